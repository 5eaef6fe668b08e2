import type {
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
} from '@ai-sdk/provider';
import { readToolCall } from '../../answer-builder.js';
import type {
  Finish,
  ModelEvent,
  ModelResponse,
  ModelUsage,
  ProviderCall,
} from '../../contract.js';

const FINISHES: Readonly<Record<LanguageModelV3FinishReason['unified'], Finish>> = {
  stop: 'stop',
  length: 'length',
  'content-filter': 'filter',
  'tool-calls': 'tool',
  error: 'other',
  other: 'other',
};

export function readResult(
  { content, finishReason, usage, response }: LanguageModelV3GenerateResult,
  { request }: ProviderCall,
): ModelResponse {
  const textsOf = (type: 'text' | 'reasoning') =>
    content
      .flatMap((part) => (part.type === type ? [part.text] : []))
      .join('')
      .toWellFormed();
  const calls = content.flatMap((part) =>
    part.type === 'tool-call'
      ? [readToolCall({ id: part.toolCallId, name: part.toolName, json: part.input })]
      : [],
  );
  const reasoning = textsOf('reasoning');
  return {
    text: textsOf('text'),
    model: response?.modelId ?? request.model,
    finish: FINISHES[finishReason.unified] ?? 'other',
    usage: usageOf(usage),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(response?.id === undefined ? {} : { extra: { id: response.id } }),
  };
}

/** Reads the parts of one stream; parallel calls are numbered as they come. */
export class AiSdkStream {
  readonly #calls = new Map<string, number>();

  take(part: LanguageModelV3StreamPart): ModelEvent[] {
    switch (part.type) {
      case 'text-delta':
        return [{ kind: 'text', text: part.delta }];
      case 'reasoning-delta':
        return [{ kind: 'reasoning', text: part.delta }];
      case 'tool-input-start':
        return [this.#begin(part.id, part.toolName)];
      case 'tool-input-delta':
        return [{ kind: 'tool-call', index: this.#indexOf(part.id), arguments: part.delta }];
      case 'tool-call':
        return this.#whole(part);
      case 'response-metadata':
        return part.modelId === undefined ? [] : [{ kind: 'start', model: part.modelId }];
      case 'finish':
        return [
          { kind: 'usage', usage: usageOf(part.usage) },
          { kind: 'finish', finish: FINISHES[part.finishReason.unified] ?? 'other' },
        ];
      case 'error':
        throw part.error;
      default:
        return [];
    }
  }

  /** Behind the pieces of a call comes the whole of it; without pieces it is all there is. */
  #whole(call: { toolCallId: string; toolName: string; input: string }): ModelEvent[] {
    if (this.#calls.has(call.toolCallId)) return [];
    return [
      { ...this.#begin(call.toolCallId, call.toolName), arguments: call.input } as ModelEvent,
    ];
  }

  #begin(id: string, name: string): ModelEvent {
    return { kind: 'tool-call', index: this.#indexOf(id), id, name };
  }

  #indexOf(id: string): number {
    const known = this.#calls.get(id) ?? this.#calls.size;
    this.#calls.set(id, known);
    return known;
  }
}

function usageOf({ inputTokens, outputTokens }: LanguageModelV3Usage): ModelUsage {
  const figures = {
    input_tokens: inputTokens.total,
    output_tokens: outputTokens.total,
    cached_tokens: inputTokens.cacheRead,
    cache_write_tokens: inputTokens.cacheWrite,
    reasoning_tokens: outputTokens.reasoning,
  };
  return Object.fromEntries(Object.entries(figures).filter(([, tokens]) => tokens !== undefined));
}
