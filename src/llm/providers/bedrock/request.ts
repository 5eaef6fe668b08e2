import { JdbxError } from '../../../base/errors.js';
import { partsOf, textOf } from '../../content.js';
import type {
  ContentPart,
  MediaPart,
  ModelMessage,
  ModelRequest,
  ModelSettings,
  ModelTool,
  ToolChoice,
} from '../../contract.js';
import { type Segment, segmentsOf } from '../../segments.js';

/**
 * The body of a Converse call.
 *
 * @param scope whose reasoning goes back
 * @throws {JdbxError} MODEL_REFUSED for an image or a file that is only a URL
 */
export function converseBody(request: ModelRequest, scope: string): unknown {
  const { messages, tools, tool_choice, settings } = request;
  const system = messages.filter(({ role }) => role === 'system');
  const turns = messages.filter(({ role }) => role !== 'system');
  const others = otherSettings(settings);
  return {
    ...(system.length === 0
      ? {}
      : { system: system.map(({ content }) => ({ text: textOf(content) })) }),
    messages: joinRoles(turns.map((message) => toTurn(message, scope))),
    inferenceConfig: inferenceConfig(settings),
    ...(tools === undefined ? {} : { toolConfig: toolConfig(tools, tool_choice) }),
    ...(Object.keys(others).length === 0 ? {} : { additionalModelRequestFields: others }),
  };
}

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: readonly unknown[];
}

function toTurn(message: ModelMessage, scope: string): Turn {
  if (message.role === 'tool') {
    const { tool_call_id: toolUseId, content, is_error } = message;
    const status = is_error ? { status: 'error' } : {};
    const toolResult = { toolUseId, content: [{ text: textOf(content) }], ...status };
    return { role: 'user', content: [{ toolResult }] };
  }
  if (message.role === 'assistant') {
    return { role: 'assistant', content: segmentsOf(message, scope).map(toSegment) };
  }
  return { role: 'user', content: partsOf(message.content).map(toBlock) };
}

function toSegment({ part, call, media, text = '' }: Segment): unknown {
  if (part) return part.data;
  if (!call) return toBlock(media ?? { type: 'text', text });
  const { id: toolUseId, name, arguments: input } = call;
  return { toolUse: { toolUseId, name, input } };
}

/** The API takes turns of user and assistant in strict alternation. */
function joinRoles(turns: readonly Turn[]): Turn[] {
  const joined: Turn[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    if (last?.role !== turn.role) joined.push(turn);
    else joined[joined.length - 1] = { ...turn, content: [...last.content, ...turn.content] };
  }
  return joined;
}

function toBlock(part: ContentPart): unknown {
  if (part.type === 'text') return { text: part.text };
  const source = { bytes: bytesIn(part) };
  const format = formatOf(part);
  if (part.type === 'image') return { image: { format, source } };
  return {
    document: { format, name: (part.name ?? 'file').replace(/[^A-Za-z0-9 ()[\]-]/g, '-'), source },
  };
}

function bytesIn({ data, type }: MediaPart): string {
  if (data !== undefined) return data;
  const text = `expected the bytes of the ${type}: Bedrock fetches no URLs`;
  throw new JdbxError('MODEL_REFUSED', text, { operation: 'generate', path: 'messages' });
}

/** `image/png` → `png`, `application/pdf` → `pdf`. */
function formatOf({ media_type = '' }: MediaPart): string {
  const format = media_type.split('/').at(-1) ?? '';
  return { plain: 'txt', markdown: 'md', 'x-markdown': 'md', jpg: 'jpeg' }[format] ?? format;
}

function inferenceConfig({ max_tokens, temperature, top_p, stop }: ModelSettings): unknown {
  return { maxTokens: max_tokens, temperature, topP: top_p, stopSequences: stop };
}

/** What Converse has no name for goes to the model itself. */
function otherSettings(settings: ModelSettings): Record<string, unknown> {
  const {
    max_tokens: _,
    temperature: __,
    top_p: ___,
    stop: ____,
    seed: _____,
    stream: ______,
    ...others
  } = settings;
  return others;
}

function toolConfig(tools: readonly ModelTool[], choice: ToolChoice | undefined): unknown {
  const specs = tools.map(({ name, description, parameters }) => ({
    toolSpec: { name, description, inputSchema: { json: parameters } },
  }));
  return { tools: specs, ...(choice === undefined ? {} : { toolChoice: toChoice(choice) }) };
}

/** The API has no `none`; a model that must call nothing is best given no tools. */
function toChoice(choice: ToolChoice): unknown {
  if (choice === 'required') return { any: {} };
  return typeof choice === 'string' ? { auto: {} } : { tool: { name: choice.name } };
}
