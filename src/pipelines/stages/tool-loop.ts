import { type ErrorCode, JdbxError } from '../../base/errors.js';
import type { Value, ValueObject } from '../../base/values.js';
import type {
  ModelMessage,
  ModelRequest,
  ModelUsage,
  ReasoningPart,
  ToolCall,
} from '../../llm/contract.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { buildRequest } from '../models/build-request.js';
import { earlierTurns } from '../models/earlier-turns.js';
import {
  distinctCalls,
  type NamedTool,
  toolFault,
  toolResult,
  toolsFor,
} from '../models/model-tools.js';
import { turnsOf } from '../models/session-turns.js';
import type { Stage } from '../pipeline-document.js';
import { withAbort } from '../with-abort.js';
import { saidBy } from './said-by.js';

const TURNS = 8;

/** What a tool cannot be blamed for, and the model cannot mend. */
const NOT_THE_TOOLS = new Set<ErrorCode>(['BUDGET_EXCEEDED', 'OUTCOME_UNKNOWN', 'RUN_DEADLINE']);

/** Fields of the stage that its turns have too; the others are the loop's own. */
const OF_A_TURN = [
  ...['integration', 'model', 'params', 'at_most_once', 'budget', 'response_schema', 'repair'],
  ...['response_cache', 'hedge', 'rescue', 'stream'],
] as const;

/**
 * Calls a model that may call tools: it is asked again with their results until it answers
 * without a call. Each turn and each call of a tool is a stage of its own (`ask/turn-1`,
 * `ask/turn-1/call-0`) with its own commit, so what is finished is never done again. A
 * tool that fails, or is called wrongly, is told back to the model.
 */
export const toolLoopStage: StageKind = {
  name: 'integration',
  holdsStages: true,
  async run(work: StageWork): Promise<StageOutcome> {
    const { stage, path } = work;
    const tools = toolsFor(work);
    const asked = await firstQuestion(work);
    const messages: ModelMessage[] = [...asked.messages];
    const usage: ModelUsage[] = [];
    const { max_turns = TURNS } = stage;
    for (let turn = 1; turn <= max_turns; turn++) {
      const answer = await askTurn(work, { ...asked, messages }, tools, turn);
      usage.push((answer.usage ?? {}) as ModelUsage);
      const calls = distinctCalls((answer.tool_calls ?? []) as unknown as ToolCall[]);
      if (calls.length === 0) return outcomeOf({ asked, answer, usage });
      if (turn === max_turns) break;
      messages.push(saidBefore(answer, calls));
      messages.push(...(await callAll(work, calls, tools, turn)));
    }
    const text = `expected an answer of ${path} within ${max_turns} turns, but its model calls tools`;
    throw new JdbxError('TOOL_TURNS', text, { path: `${path}.max_turns`, details: { max_turns } });
  },
};

/** The same after a crash, whatever the session or a prompt's generator says by then. */
async function firstQuestion(work: StageWork): Promise<ModelRequest> {
  const { run, stage, path } = work;
  const at = `${path}/@asked`;
  if (run.remembers(at)) return (await run.remember(at, () => null)) as unknown as ModelRequest;
  const { output } = await saidBy(work);
  const { messages: earlier } = await earlierTurns(work);
  const named = run.definitions.get(stage.integration as string);
  // Each turn adds the settings and the model of the integration that it is sent to.
  const plain = { ...named, params: undefined, model: undefined, models: undefined };
  const request = buildRequest(work, plain as never, { output, earlier });
  return (await run.remember(at, () => request as unknown as Value)) as unknown as ModelRequest;
}

async function askTurn(
  { stage, path, context, run, signal }: StageWork,
  asked: ModelRequest,
  tools: ReadonlyMap<string, NamedTool>,
  turn: number,
): Promise<ValueObject> {
  const { key, tool_choice: _, response_schema, tools: __, ...others } = asked;
  const own = Object.fromEntries(
    OF_A_TURN.flatMap((field) => (stage[field] === undefined ? [] : [[field, stage[field]]])),
  );
  const said = {
    ...others,
    tools: [...tools.values()].map(({ tool }) => tool),
    // A choice that forces a call would force one in every turn.
    ...(turn === 1 && stage.tool_choice !== undefined ? { tool_choice: stage.tool_choice } : {}),
    ...(response_schema === undefined ? {} : { response_schema }),
    ...(key === undefined ? {} : { key: turn === 1 ? key : `${key}/turn-${turn}` }),
  } as unknown as Value;
  const asking = { name: `turn-${turn}`, ...own, turn } as Stage;
  const within = context.child({}, said);
  return (await run.stages([asking], within, `${path}/`, signal)) as ValueObject;
}

/** The model's turn as it goes back, with the reasoning that its API wants to see again. */
function saidBefore({ text, reasoning_parts }: ValueObject, calls: ToolCall[]): ModelMessage {
  const kept = reasoning_parts as unknown as readonly ReasoningPart[] | undefined;
  const said = { role: 'assistant' as const, content: String(text), tool_calls: calls };
  return kept ? { ...said, reasoning_parts: kept } : said;
}

function callAll(
  work: StageWork,
  calls: readonly ToolCall[],
  tools: ReadonlyMap<string, NamedTool>,
  turn: number,
): Promise<ModelMessage[]> {
  const prefix = `${work.path}/turn-${turn}/`;
  return withAbort(work.signal, (signal) =>
    calls.map((call, index) => {
      const name = `call-${index}`;
      return callOne({ ...work, signal }, call, tools, { prefix, name });
    }),
  );
}

async function callOne(
  { context, run, signal }: StageWork,
  call: ToolCall,
  tools: ReadonlyMap<string, NamedTool>,
  { prefix, name }: { readonly prefix: string; readonly name: string },
): Promise<ModelMessage> {
  const known = tools.get(call.name);
  if (!known) return toolFault(call, `expected one of ${[...tools.keys()].join(', ')}`);
  if (call.invalid !== undefined) return toolFault(call, 'expected arguments as a JSON object');
  const own = context.child({ error: null }, call.arguments);
  const stage = { name, tool: known.id, on_error: 'continue' } as Stage;
  const output = await run.stages([stage], own, prefix, signal);
  const error = own.lookup('error') as { code: ErrorCode; message: string } | null;
  if (!error) return toolResult(call, output);
  if (NOT_THE_TOOLS.has(error.code)) throw new JdbxError(error.code, error.message);
  return toolFault(call, error.message);
}

interface Finished {
  readonly asked: ModelRequest;
  readonly answer: ValueObject;
  readonly usage: readonly ModelUsage[];
}

function outcomeOf({ asked, answer, usage }: Finished): StageOutcome {
  const output = { ...answer, usage: sumUsage(usage), turns: usage.length };
  return { output, turns: turnsOf(asked, answer), facts: { turns: usage.length } };
}

/** A figure that some turn did not report is still the sum of the others. */
function sumUsage(all: readonly ModelUsage[]): ValueObject {
  const sum: Record<string, number> = {};
  for (const usage of all) {
    for (const [name, tokens] of Object.entries(usage)) {
      if (typeof tokens === 'number') sum[name] = (sum[name] ?? 0) + tokens;
    }
  }
  return sum;
}
