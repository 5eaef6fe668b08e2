import { mediaUrl, textOf } from '../../content.js';
import type {
  Content,
  ContentPart,
  ModelMessage,
  ModelRequest,
  ModelTool,
  ToolCall,
  ToolChoice,
} from '../../contract.js';
import { mayBeStrict } from './strict-schema.js';

/**
 * The body of a chat completion. Settings go over under the names that
 * documents use, which are OpenAI's own.
 */
export function chatBody(request: ModelRequest, streaming: boolean): unknown {
  const { model, messages, settings, tools, tool_choice, response_schema } = request;
  return {
    ...settings,
    ...(streaming
      ? { stream: true, stream_options: { include_usage: true } }
      : { stream: undefined }),
    model,
    messages: messages.map(toMessage),
    ...(tools === undefined ? {} : { tools: tools.map(toTool) }),
    ...(tool_choice === undefined ? {} : { tool_choice: toChoice(tool_choice) }),
    ...(response_schema === undefined ? {} : { response_format: toFormat(response_schema) }),
  };
}

function toMessage(message: ModelMessage): unknown {
  if (message.role === 'tool') {
    const { tool_call_id, content } = message;
    return { role: 'tool', tool_call_id, content: textOf(content) };
  }
  const { role, content } = message;
  const calls = message.role === 'assistant' ? message.tool_calls : undefined;
  if (!calls || calls.length === 0) return { role, content: toContent(content) };
  return {
    role,
    content: content === '' ? null : toContent(content),
    tool_calls: calls.map(toCall),
  };
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

function toCall({ id, name, arguments: args, invalid }: ToolCall): unknown {
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
