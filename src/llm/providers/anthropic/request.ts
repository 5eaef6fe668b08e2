import type { ValueObject } from '../../../base/values.js';
import { textOf } from '../../content.js';
import type {
  Content,
  ContentPart,
  MediaPart,
  ModelMessage,
  ModelRequest,
  ModelTool,
  ResponseSchema,
  ToolCall,
  ToolChoice,
} from '../../contract.js';
import { type Segment, segmentsOf } from '../../segments.js';

/** The API requires `max_tokens`; every model that it serves can write this many. */
const MAX_TOKENS_DEFAULT = 4_096;

/**
 * The body of a call of the messages API.
 *
 * @param scope whose reasoning goes back
 */
export function messagesBody(request: ModelRequest, streaming: boolean, scope: string): unknown {
  const { stop, seed: _, max_tokens = MAX_TOKENS_DEFAULT, ...others } = request.settings;
  const system = request.messages.filter(({ role }) => role === 'system');
  const turns = request.messages.filter(({ role }) => role !== 'system');
  const { tools, tool_choice, response_schema } = request;
  const outputConfig = others.output_config as ValueObject | undefined;
  return {
    ...others,
    stream: streaming ? true : undefined,
    model: request.model,
    max_tokens,
    stop_sequences: stop,
    system:
      system.length === 0
        ? others.system
        : system.map(({ content }) => textOf(content)).join('\n\n'),
    messages: joinResults(turns.map((message) => toTurn(message, scope))),
    ...(tools === undefined ? {} : { tools: tools.map(toTool) }),
    ...(tool_choice === undefined ? {} : { tool_choice: toChoice(tool_choice) }),
    ...(response_schema === undefined
      ? {}
      : { output_config: { ...outputConfig, format: toFormat(response_schema) } }),
  };
}

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: unknown;
}

function toTurn(message: ModelMessage, scope: string): Turn {
  if (message.role === 'tool') {
    const { tool_call_id, content, is_error } = message;
    const result = { type: 'tool_result', tool_use_id: tool_call_id, content: toContent(content) };
    return { role: 'user', content: [is_error ? { ...result, is_error } : result] };
  }
  if (message.role !== 'assistant') return { role: 'user', content: toContent(message.content) };
  const segments = segmentsOf(message, scope);
  const isSaid = segments.every(({ call, part }) => !call && !part);
  return {
    role: 'assistant',
    content: isSaid ? toContent(message.content) : segments.map(toSegment),
  };
}

/** The results of parallel calls belong into one turn, which the API asks for. */
function joinResults(turns: readonly Turn[]): Turn[] {
  const joined: Turn[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    if (last && isResults(last) && isResults(turn)) {
      joined[joined.length - 1] = {
        role: 'user',
        content: [...(last.content as unknown[]), ...(turn.content as unknown[])],
      };
    } else joined.push(turn);
  }
  return joined;
}

function isResults({ content }: Turn): boolean {
  return Array.isArray(content) && content.every(({ type }) => type === 'tool_result');
}

function toSegment({ part, call, media, text = '' }: Segment): unknown {
  if (part) return part.data;
  return call ? toUse(call) : toBlock(media ?? { type: 'text', text });
}

function toContent(content: Content): unknown {
  return typeof content === 'string' ? content : content.map(toBlock);
}

/** https://docs.anthropic.com/en/docs/build-with-claude/vision and /pdf-support */
function toBlock(part: ContentPart): unknown {
  if (part.type === 'text') return { type: 'text', text: part.text };
  return { type: part.type === 'image' ? 'image' : 'document', source: toSource(part) };
}

function toSource({ url, data, media_type }: MediaPart): unknown {
  return url === undefined ? { type: 'base64', media_type, data } : { type: 'url', url };
}

function toUse({ id, name, arguments: input }: ToolCall): unknown {
  return { type: 'tool_use', id, name, input };
}

function toTool({ name, description, parameters }: ModelTool): unknown {
  return { name, description, input_schema: parameters };
}

function toChoice(choice: ToolChoice): unknown {
  if (choice === 'required') return { type: 'any' };
  return typeof choice === 'string' ? { type: choice } : { type: 'tool', name: choice.name };
}

/** https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs */
function toFormat({ schema }: ResponseSchema): unknown {
  return { type: 'json_schema', schema };
}
