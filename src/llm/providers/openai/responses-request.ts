import { mediaUrl, partsOf, textOf } from '../../content.js';
import type {
  Content,
  ContentPart,
  ModelMessage,
  ModelRequest,
  ToolCall,
  ToolChoice,
} from '../../contract.js';
import { segmentsOf } from '../../segments.js';
import { mayBeStrict } from './strict-schema.js';

/**
 * The body of a call of the Responses API.
 *
 * @param scope whose reasoning goes back
 */
export function responsesBody(request: ModelRequest, streaming: boolean, scope: string): unknown {
  const { model, messages, settings, tools, tool_choice, response_schema } = request;
  // The API has no `stop` and no `seed`; it refuses what it does not know.
  const { max_tokens, stop: _, seed: __, stream: ___, ...others } = settings;
  const isKept = others.store === true;
  return {
    store: false,
    ...(isKept || !mayReason(model) ? {} : { include: ['reasoning.encrypted_content'] }),
    ...others,
    ...(max_tokens === undefined ? {} : { max_output_tokens: max_tokens }),
    ...(streaming ? { stream: true } : {}),
    model,
    input: messages.flatMap((message) => toItems(message, { scope, isKept })),
    ...(tools === undefined
      ? {}
      : { tools: tools.map((tool) => ({ type: 'function', strict: false, ...tool })) }),
    ...(tool_choice === undefined ? {} : { tool_choice: toChoice(tool_choice) }),
    ...(response_schema === undefined ? {} : { text: { format: toFormat(response_schema) } }),
  };
}

/**
 * Where nothing is kept at the provider, reasoning comes back only if it is asked for; models
 * that do not reason refuse to be asked ("Encrypted content is not supported with this model").
 * Whoever says `include` in the settings decides it.
 */
function mayReason(model: string): boolean {
  return !/^(gpt-3|gpt-4|chatgpt|gpt-5[^/]*-chat)/.test(model);
}

interface Keeping {
  readonly scope: string;
  /** The provider keeps answers, and knows reasoning items by their ids. */
  readonly isKept: boolean;
}

function toItems(message: ModelMessage, { scope, isKept }: Keeping): unknown[] {
  const { role, content } = message;
  if (role === 'tool') {
    const { tool_call_id: call_id } = message;
    return [{ type: 'function_call_output', call_id, output: textOf(content) }];
  }
  if (role !== 'assistant') return [{ role, content: toContent(content, role) }];
  if (!message.reasoning_parts) {
    const made = (message.tool_calls ?? []).map(toCall);
    return content === '' ? made : [{ role, content: toContent(content, role) }, ...made];
  }
  return segmentsOf(message, scope).flatMap(({ part, call, media, text = '' }) => {
    // Sealed, it says all; by its id alone, nobody knows it who keeps nothing.
    if (part) return isKept || part.data.encrypted_content ? [part.data] : [];
    if (call) return [toCall(call)];
    return [{ role, content: media ? [toPart(media, true)] : text }];
  });
}

function toCall({ id, name, arguments: args, invalid }: ToolCall): unknown {
  return {
    type: 'function_call',
    call_id: id,
    name,
    arguments: invalid ?? JSON.stringify(args),
  };
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
