import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { ModelMessage, ModelRequest } from '../../llm/contract.js';
import { toRequest } from '../../llm/messages.js';
import type { Turn } from '../../sessions/sessions.js';
import { nothingHappened } from '../at-most-once.js';
import { templateOf } from '../check-pipeline.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { callModel, mergeSettings } from '../models/call-model.js';
import { chooseIntegrations } from '../models/choose-integration.js';
import { handleError, transformRequest, transformResponse } from '../models/integration-hooks.js';
import { renderPrompt } from '../prompts/render-prompt.js';

/**
 * Calls a model. The input is a string, or `{ prompt | text | messages, system?, context? }`;
 * with a `template_ref` the prompt document is rendered first. Settings of the integration,
 * the prompt and the stage are merged, the stage's winning.
 */
export const integrationStage: StageKind = {
  name: 'integration',
  async run(work: StageWork): Promise<StageOutcome> {
    const { output: said, facts } = await saidBy(work);
    const chosen = await chooseIntegrations(work);
    const { integration, request, response } = await firstAnswer(work, chosen, said);
    return {
      output: response,
      turns: turnsOf(request, response),
      facts: { ...facts, integration: integration._id, integration_rev: integration._rev },
    };
  },
};

/** What goes to the model: the stage's input, or the prompt that the stage names, filled in. */
async function saidBy(work: StageWork): Promise<StageOutcome> {
  const template = templateOf(work.stage);
  if (template === undefined) return { output: work.input };
  return renderPrompt(work, work.run.definitions.get(template));
}

interface Answer {
  readonly integration: Document;
  readonly request: ModelRequest;
  readonly response: ValueObject;
}

/** Tries the integrations in their order; the last one's error counts. */
async function firstAnswer(
  work: StageWork,
  integrations: readonly Document[],
  said: Value,
): Promise<Answer> {
  for (const [index, integration] of integrations.entries()) {
    const plain = requestFor(work, integration, said);
    const request = await transformRequest(work, integration, plain);
    try {
      if (work.stage.at_most_once && index === 0) await work.run.announce(work.path);
      const response = await answerOf(work, integration, request);
      return { integration, request, response };
    } catch (error) {
      const isLast = index === integrations.length - 1;
      if (isLast || work.signal.aborted || !mayFallBack(work, error)) throw error;
    }
  }
  throw new JdbxError('INVALID_INTEGRATION', `expected an integration for ${work.path}`);
}

async function answerOf(
  work: StageWork,
  integration: Document,
  request: ModelRequest,
): Promise<ValueObject> {
  let response: ValueObject;
  try {
    response = await callModel(work, { integration, request });
  } catch (error) {
    const handled = await handleError(work, integration, error);
    if (handled === undefined) throw error;
    return handled;
  }
  return transformResponse(work, integration, response);
}

const FALL_BACK_ON = new Set<string>([
  'MODEL_RATE_LIMITED',
  'MODEL_UNAVAILABLE',
  'MODEL_TIMEOUT',
  'MODEL_RESPONSE',
  'RECORDING_MISSING',
]);

function mayFallBack({ stage }: StageWork, error: unknown): boolean {
  if (stage.at_most_once && !nothingHappened(error)) return false;
  return error instanceof JdbxError && FALL_BACK_ON.has(error.code);
}

function requestFor(work: StageWork, integration: Document, said: Value): ModelRequest {
  const { stage } = work;
  const { model, settings, ...parts } = partsOf(said);
  const context = passagesOf(work);
  const request = toRequest(context === undefined ? parts : { ...parts, context }, {
    model: modelFor(work, integration, stage.model ?? model),
    settings: mergeSettings(integration.params, settings, stage.params),
    key: keyOf(work),
  });
  return { ...request, messages: withEarlierTurns(work, request.messages) };
}

/** Where an orchestrator chose the integration, a model that is not one of its own is not meant for it. */
function modelFor(
  { stage }: StageWork,
  { _id, model, models }: Document,
  wanted: Value | undefined,
): string | undefined {
  if (typeof wanted !== 'string') return undefined;
  const own = [model, ...(Array.isArray(models) ? models : [])].filter(
    (each) => each !== undefined,
  );
  const isMeant = _id === stage.integration || own.length === 0 || own.includes(wanted);
  return isMeant ? wanted : undefined;
}

/**
 * What a prompt stage made is passed on whole. Of an earlier answer it is the text, for
 * the model that gave it says nothing about this call.
 */
function partsOf(said: Value): ValueObject {
  if (typeof said === 'string') return { prompt: said };
  if (!isPlainObject(said)) return {};
  const { messages, prompt, text, system, context, key, model, settings } = said as ValueObject;
  const isAnswer = messages === undefined && prompt === undefined;
  const parts = isAnswer
    ? { text, system, context, key }
    : {
        ...(messages === undefined ? { prompt } : { messages }),
        system,
        context,
        key,
        model,
        settings,
      };
  return Object.fromEntries(
    Object.entries(parts).filter(([, value]) => value !== undefined),
  ) as ValueObject;
}

function passagesOf({ stage, context, path }: StageWork): Value | undefined {
  return stage.context === undefined
    ? undefined
    : context.require(stage.context, `${path}.context`);
}

function keyOf({ stage, context, path }: StageWork): string | undefined {
  if (stage.key === undefined) return undefined;
  const key = context.require(stage.key, `${path}.key`);
  if (typeof key === 'string' || typeof key === 'number') return String(key);
  throw new JdbxError('MISSING_INPUT', `expected text or a number, got ${describeType(key)}`, {
    path: `${path}.key`,
  });
}

/** The system's messages stay in front. A turn without text is left out: no provider takes one. */
function withEarlierTurns(
  { stage, context, path }: StageWork,
  messages: readonly ModelMessage[],
): readonly ModelMessage[] {
  const history = stage.history ? context.lookup('history') : undefined;
  if (!stage.history || !Array.isArray(history) || history.length === 0) return messages;
  const isSystem = ({ role }: ModelMessage) => role === 'system';
  const turns = history
    .slice(-stage.history)
    .filter((turn) => !isPlainObject(turn) || turn.content !== '');
  if (turns.length === 0) return messages;
  const said = checkTurns(turns, path);
  return [...messages.filter(isSystem), ...said, ...messages.filter((each) => !isSystem(each))];
}

/** A session document may hold a `history` of its own, of any shape. */
function checkTurns(turns: readonly Value[], path: string): readonly ModelMessage[] {
  try {
    return toRequest({ messages: turns }).messages;
  } catch (cause) {
    throw new JdbxError(
      'MISSING_INPUT',
      'expected a history of turns, each with role and content',
      {
        path,
        cause,
      },
    );
  }
}

function turnsOf(request: ModelRequest, response: ValueObject): Turn[] {
  const asked = request.messages.findLast(({ role }) => role === 'user');
  const turns: Turn[] = asked ? [{ role: 'user', content: asked.content }] : [];
  return [...turns, { role: 'assistant', content: String(response.text ?? '') }];
}
