import type { ValueObject } from '../../../base/values.js';
import { mediaUrl, textOf } from '../../content.js';
import type {
  AnswerMessage,
  Content,
  ContentPart,
  ModelMessage,
  ModelRequest,
  ModelTool,
  ReasoningPart,
  ToolCall,
  ToolChoice,
} from '../../contract.js';
import { type Segment, segmentsOf } from '../../segments.js';
import { mayBeStrict } from './strict-schema.js';

/**
 * The body of a chat completion. Settings go over under the names that
 * documents use, which are OpenAI's own.
 *
 * @param scope whose reasoning goes back
 */
export function chatBody(request: ModelRequest, streaming: boolean, scope: string): unknown {
  const { model, messages, settings, tools, tool_choice, response_schema } = request;
  const body: Record<string, unknown> = {
    ...settings,
    stream: streaming ? true : undefined,
    model,
    messages: messages.map((message) => toMessage(message, scope)),
  };
  if (streaming) body.stream_options = { include_usage: true };
  if (tools !== undefined) body.tools = tools.map(toTool);
  if (tool_choice !== undefined) body.tool_choice = toChoice(tool_choice);
  if (response_schema !== undefined) body.response_format = toFormat(response_schema);
  return body;
}

function toMessage(message: ModelMessage, scope: string): unknown {
  if (message.role === 'tool') {
    const { tool_call_id, content } = message;
    return { role: 'tool', tool_call_id, content: textOf(content) };
  }
  const { role, content } = message;
  if (role === 'assistant' && message.reasoning_parts) return toReasoned(message, scope);
  const calls = role === 'assistant' ? message.tool_calls : undefined;
  if (!calls || calls.length === 0) return { role, content: toContent(content) };
  return {
    role,
    content: content === '' ? null : toContent(content),
    tool_calls: calls.map(toCall),
  };
}

/** An answer with what its API wants back: chunks of its content, marks of its calls, own fields. */
function toReasoned({ reasoning_parts, ...message }: AnswerMessage, scope: string): unknown {
  const plain = toMessage(message, scope) as ValueObject;
  const segments = segmentsOf({ ...message, reasoning_parts }, scope);
  const own = segments.filter(({ call, text }) => !call && text === undefined);
  const fields = own.flatMap(({ part }) => (part && !isChunk(part) ? [part.data] : []));
  const calls = segments.flatMap(({ call, part }) =>
    call ? [Object.assign(toCall(call), part?.data)] : [],
  );
  const isListed = own.some(({ part }) => part && isChunk(part));
  const content = isListed ? { content: segments.flatMap(toChunks) } : {};
  return Object.assign(plain, content, calls.length === 0 ? {} : { tool_calls: calls }, ...fields);
}

/** Thinking is a chunk of the content in Mistral's API, and a field of the message in others. */
function isChunk({ data }: ReasoningPart): boolean {
  return data.type === 'thinking';
}

function toChunks({ part, call, text, media }: Segment): unknown[] {
  if (call) return [];
  if (part && isChunk(part)) return [part.data];
  if (media) return [toPart(media)];
  return text === undefined ? [] : [{ type: 'text', text }];
}

function toContent(content: Content): unknown {
  return typeof content === 'string' ? content : content.map(toPart);
}

/** https://platform.openai.com/docs/guides/images-vision and /docs/guides/pdf-files */
function toPart(part: ContentPart): unknown {
  if (part.type === 'text') return { type: 'text', text: part.text };
  if (part.type === 'image') return { type: 'image_url', image_url: { url: mediaUrl(part) } };
  return { type: 'file', file: { filename: part.name ?? 'file', file_data: mediaUrl(part) } };
}

function toCall({ id, name, arguments: args, invalid }: ToolCall): object {
  return {
    id,
    type: 'function',
    function: { name, arguments: invalid ?? JSON.stringify(args) },
  };
}

function toTool({ name, description, parameters }: ModelTool): unknown {
  return { type: 'function', function: { name, description, parameters } };
}

function toChoice(choice: ToolChoice): unknown {
  return typeof choice === 'string'
    ? choice
    : { type: 'function', function: { name: choice.name } };
}

function toFormat({ name = 'answer', schema }: NonNullable<ModelRequest['response_schema']>) {
  return { type: 'json_schema', json_schema: { name, schema, strict: mayBeStrict(schema) } };
}
