import { mediaUrl, partsOf, textOf } from '../../content.js';
import type {
  Content,
  ContentPart,
  ModelMessage,
  ModelRequest,
  ToolChoice,
} from '../../contract.js';
import { mayBeStrict } from './strict-schema.js';

/** The body of a call of the Responses API. */
export function responsesBody(request: ModelRequest, streaming: boolean): unknown {
  const { model, messages, settings, tools, tool_choice, response_schema } = request;
  // The API has no `stop` and no `seed`; it refuses what it does not know.
  const { max_tokens, stop: _, seed: __, stream: ___, ...others } = settings;
  return {
    store: false,
    ...others,
    ...(max_tokens === undefined ? {} : { max_output_tokens: max_tokens }),
    ...(streaming ? { stream: true } : {}),
    model,
    input: messages.flatMap(toItems),
    ...(tools === undefined
      ? {}
      : { tools: tools.map((tool) => ({ type: 'function', strict: false, ...tool })) }),
    ...(tool_choice === undefined ? {} : { tool_choice: toChoice(tool_choice) }),
    ...(response_schema === undefined ? {} : { text: { format: toFormat(response_schema) } }),
  };
}

function toItems(message: ModelMessage): unknown[] {
  if (message.role === 'tool') {
    const { tool_call_id: call_id, content } = message;
    return [{ type: 'function_call_output', call_id, output: textOf(content) }];
  }
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  const made = calls.map(({ id, name, arguments: args, invalid }) => ({
    type: 'function_call',
    call_id: id,
    name,
    arguments: invalid ?? JSON.stringify(args),
  }));
  const { role, content } = message;
  return content === '' ? made : [{ role, content: toContent(content, role) }, ...made];
}

function toContent(content: Content, role: string): unknown {
  if (typeof content === 'string') return content;
  return partsOf(content).map((part) => toPart(part, role === 'assistant'));
}

function toPart(part: ContentPart, isAnswer: boolean): unknown {
  if (part.type === 'text')
    return { type: isAnswer ? 'output_text' : 'input_text', text: part.text };
  if (part.type === 'image')
    return { type: 'input_image', image_url: mediaUrl(part), detail: 'auto' };
  const { url, name = 'file' } = part;
  return url === undefined
    ? { type: 'input_file', filename: name, file_data: mediaUrl(part) }
    : { type: 'input_file', file_url: url };
}

function toChoice(choice: ToolChoice): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', name: choice.name };
}

function toFormat({ name = 'answer', schema }: NonNullable<ModelRequest['response_schema']>) {
  return { type: 'json_schema', name, schema, strict: mayBeStrict(schema) };
}
