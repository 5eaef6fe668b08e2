import type {
  JSONSchema7,
  LanguageModelV3CallOptions,
  LanguageModelV3FilePart,
  LanguageModelV3Message,
  LanguageModelV3TextPart,
} from '@ai-sdk/provider';
import { partsOf, textOf } from '../../content.js';
import type {
  ContentPart,
  ModelMessage,
  ModelRequest,
  ModelSettings,
  ProviderCall,
  ToolChoice,
  ToolMessage,
} from '../../contract.js';
import { type Segment, segmentsOf } from '../../segments.js';
import { scopeOf } from './answer.js';

/** The neutral request as the SDK's call options; settings that it has no name for are left out. */
export function toCallOptions(
  call: ProviderCall,
  abortSignal: AbortSignal,
): LanguageModelV3CallOptions {
  const { request, integration, idempotencyKey } = call;
  const scope = scopeOf(call);
  const { messages, tools, tool_choice, response_schema: asked } = request;
  return {
    prompt: messages.map((message) => toMessage(message, messages, scope)),
    ...toSettings(request.settings),
    ...(tools && tools.length > 0 ? { tools: toTools(tools) } : {}),
    ...(tool_choice === undefined ? {} : { toolChoice: toChoice(tool_choice) }),
    ...(asked
      ? {
          responseFormat: {
            type: 'json' as const,
            schema: asked.schema as JSONSchema7,
            name: asked.name ?? 'answer',
          },
        }
      : {}),
    headers: { ...integration.headers, 'idempotency-key': encodeURIComponent(idempotencyKey) },
    abortSignal,
  };
}

function toSettings(settings: ModelSettings): Partial<LanguageModelV3CallOptions> {
  const { temperature, top_p, max_tokens, stop, seed, ...others } = settings;
  const { top_k, presence_penalty, frequency_penalty } = others;
  const named = {
    temperature,
    topP: top_p,
    maxOutputTokens: max_tokens,
    stopSequences: stop && [...stop],
    seed,
    topK: top_k,
    presencePenalty: presence_penalty,
    frequencyPenalty: frequency_penalty,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

function toTools(tools: NonNullable<ModelRequest['tools']>) {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function' as const,
    name,
    ...(description === undefined ? {} : { description }),
    inputSchema: parameters as JSONSchema7,
  }));
}

function toChoice(choice: ToolChoice) {
  return typeof choice === 'string'
    ? { type: choice }
    : { type: 'tool' as const, toolName: choice.name };
}

function toMessage(
  message: ModelMessage,
  all: readonly ModelMessage[],
  scope: string,
): LanguageModelV3Message {
  if (message.role === 'tool') return toResult(message, all);
  if (message.role === 'system') return { role: 'system', content: textOf(message.content) };
  if (message.role === 'user') return { role: 'user', content: toParts(partsOf(message.content)) };
  return { role: 'assistant', content: segmentsOf(message, scope).flatMap(toSegment) };
}

type AnswerPart = Exclude<
  Extract<LanguageModelV3Message, { role: 'assistant' }>['content'][number],
  { type: 'tool-result' }
>;

function toSegment({ part, call, media, text = '' }: Segment): AnswerPart[] {
  if (call) {
    const { id: toolCallId, name: toolName, arguments: input } = call;
    return [{ type: 'tool-call', toolCallId, toolName, input, ...part?.data }];
  }
  if (part) return [{ type: 'reasoning', text: '', ...part.data }];
  return toParts([media ?? { type: 'text', text }]);
}

function toResult(message: ToolMessage, all: readonly ModelMessage[]): LanguageModelV3Message {
  const { tool_call_id: toolCallId, content, is_error } = message;
  const type = is_error ? ('error-text' as const) : ('text' as const);
  const output = { type, value: textOf(content) };
  const toolName = nameOfCall(toolCallId, all);
  return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] };
}

function toParts(
  parts: readonly ContentPart[],
): (LanguageModelV3TextPart | LanguageModelV3FilePart)[] {
  return parts.map((part) => {
    if (part.type === 'text') return { type: 'text', text: part.text };
    const { url, data = '', name } = part;
    const { media_type = part.type === 'image' ? 'image/*' : 'application/octet-stream' } = part;
    return {
      type: 'file',
      data: url === undefined ? data : new URL(url),
      mediaType: media_type,
      ...(name === undefined ? {} : { filename: name }),
    };
  });
}

/** The SDK wants the tool's name beside its result, which here stands with the call. */
function nameOfCall(id: string, messages: readonly ModelMessage[]): string {
  const calls = messages.flatMap((message) =>
    message.role === 'assistant' ? (message.tool_calls ?? []) : [],
  );
  return calls.find((call) => call.id === id)?.name ?? id;
}
