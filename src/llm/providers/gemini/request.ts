import { partsOf, textOf } from '../../content.js';
import type {
  AnswerMessage,
  ContentPart,
  ModelMessage,
  ModelRequest,
  ModelSettings,
  SaidMessage,
  ToolChoice,
  ToolMessage,
} from '../../contract.js';
import { type Segment, segmentsOf } from '../../segments.js';
import { givenId } from './answer.js';

/**
 * The body of a call of `generateContent`.
 *
 * @param scope whose reasoning goes back
 */
export function generateBody(request: ModelRequest, scope: string): unknown {
  const { messages, tools, tool_choice } = request;
  const system = messages
    .filter(({ role }) => role === 'system')
    .map(({ content }) => textOf(content));
  const turns = messages.filter(({ role }) => role !== 'system');
  return {
    contents: joinRoles(
      turns.map((message, at) =>
        message.role === 'assistant'
          ? toAnswer(message, scope, request.model)
          : toTurn(message, turns.slice(0, at)),
      ),
    ),
    ...(system.length === 0
      ? {}
      : { systemInstruction: { parts: [{ text: system.join('\n\n') }] } }),
    ...(tools === undefined ? {} : { tools: [{ functionDeclarations: tools.map(toDeclaration) }] }),
    ...(tool_choice === undefined ? {} : { toolConfig: toConfig(tool_choice) }),
    generationConfig: toGenerationConfig(request),
  };
}

interface Turn {
  readonly role: 'user' | 'model';
  readonly parts: readonly unknown[];
}

function toTurn(message: SaidMessage | ToolMessage, before: readonly ModelMessage[]): Turn {
  if (message.role === 'tool') {
    const { tool_call_id, content, is_error } = message;
    const result = is_error ? { error: textOf(content) } : { result: textOf(content) };
    const name = toolNamed(tool_call_id, before);
    const functionResponse = { ...givenId(tool_call_id), name, response: result };
    return { role: 'user', parts: [{ functionResponse }] };
  }
  return { role: 'user', parts: partsOf(message.content).map(toPart) };
}

/**
 * Stands for the signature of a call that another model made; from version 3 on, models refuse
 * a turn whose first call has none (https://ai.google.dev/gemini-api/docs/thought-signatures).
 */
const UNSIGNED = { thoughtSignature: 'skip_thought_signature_validator' };

function toAnswer(message: AnswerMessage, scope: string, model: string): Turn {
  const segments = segmentsOf(message, scope);
  const parts = segments.map(toSegment);
  const first = segments.findIndex(({ call }) => call);
  const isUnsigned = first >= 0 && !segments[first]?.part && needsSignature(model);
  if (isUnsigned) parts[first] = { ...parts[first], ...UNSIGNED };
  return { role: 'model', parts };
}

function needsSignature(model: string): boolean {
  return Number(/gemini-(\d+)/.exec(model)?.[1] ?? 0) >= 3;
}

function toSegment({ part, call, media, text }: Segment): object {
  if (part && part.marks === undefined) return part.data;
  if (call) {
    const { id, name, arguments: args } = call;
    return { functionCall: { ...givenId(id), name, args }, ...part?.data };
  }
  return { ...toPart(media ?? { type: 'text', text: text ?? '' }), ...part?.data };
}

/** The API takes turns of user and model in strict alternation. */
function joinRoles(turns: readonly Turn[]): Turn[] {
  const joined: Turn[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    if (last?.role !== turn.role) joined.push(turn);
    else joined[joined.length - 1] = { role: turn.role, parts: [...last.parts, ...turn.parts] };
  }
  return joined;
}

/** https://ai.google.dev/api/caching#Part */
function toPart(part: ContentPart): object {
  if (part.type === 'text') return { text: part.text };
  const { url, data, media_type } = part;
  return url === undefined
    ? { inlineData: { mimeType: media_type, data } }
    : { fileData: { fileUri: url, ...(media_type === undefined ? {} : { mimeType: media_type }) } };
}

/**
 * The API names results by the function; the neutral contract by the call. Ids that were given
 * here come again in each turn: the last turn before the result is the one that is meant.
 */
function toolNamed(id: string, before: readonly ModelMessage[]): string {
  const turn = before.findLast((message) => callNamed(id, message) !== undefined);
  return (turn && callNamed(id, turn)) ?? id;
}

function callNamed(id: string, message: ModelMessage): string | undefined {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  return calls.find((one) => one.id === id)?.name;
}

function toDeclaration(tool: NonNullable<ModelRequest['tools']>[number]): unknown {
  const { name, description, parameters } = tool;
  return { name, description, parametersJsonSchema: parameters };
}

function toConfig(choice: ToolChoice): unknown {
  if (typeof choice !== 'string') {
    return { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [choice.name] } };
  }
  const mode = { auto: 'AUTO', none: 'NONE', required: 'ANY' }[choice];
  return { functionCallingConfig: { mode } };
}

/** https://ai.google.dev/api/generate-content#generationconfig */
const NAMES: Readonly<Record<string, string>> = {
  max_tokens: 'maxOutputTokens',
  stop: 'stopSequences',
  top_p: 'topP',
  top_k: 'topK',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
};

function toGenerationConfig({ settings, response_schema }: ModelRequest): unknown {
  const schema = response_schema && {
    responseMimeType: 'application/json',
    responseJsonSchema: response_schema.schema,
  };
  return { ...renamed(settings), ...schema };
}

function renamed({ stream: _, ...settings }: ModelSettings): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [NAMES[name] ?? name, value]),
  );
}
