import type {
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3ToolCall,
  LanguageModelV3Usage,
  SharedV3ProviderMetadata,
} from '@ai-sdk/provider';
import type { ValueObject } from '../../../base/values.js';
import { readToolCall } from '../../answer-builder.js';
import type {
  Finish,
  ModelEvent,
  ModelResponse,
  ModelUsage,
  ProviderCall,
} from '../../contract.js';
import { keptOf, scopeOfKey, type Told } from '../reasoning-kept.js';

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
  call: ProviderCall,
): ModelResponse {
  const { request } = call;
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
    ...keptOf(scopeOf(call), content, tell),
    ...(response?.id === undefined ? {} : { extra: { id: response.id } }),
  };
}

export const scopeOf = (call: ProviderCall) => scopeOfKey(call.integration.provider ?? '', call);

function tell(part: LanguageModelV3GenerateResult['content'][number]): Told {
  if (part.type === 'text') return { characters: part.text.length };
  if (part.type === 'reasoning') return { data: thoughtOf(part.text, part.providerMetadata) };
  if (part.type !== 'tool-call') return {};
  return { calls: 1, marks: 'call', data: optionsOf(part.providerMetadata) };
}

/** What the SDK calls metadata in an answer it takes as options in the next question. */
function optionsOf(metadata: SharedV3ProviderMetadata | undefined): ValueObject | undefined {
  return metadata && ({ providerOptions: metadata } as ValueObject);
}

function thoughtOf(text: string, metadata: SharedV3ProviderMetadata | undefined): ValueObject {
  return { text, ...optionsOf(metadata) };
}

/** Reads the parts of one stream; parallel calls are numbered as they come. */
export class AiSdkStream {
  readonly #scope: string;
  readonly #calls = new Map<string, number>();
  readonly #thoughts = new Map<string, Thought>();

  constructor(call: ProviderCall) {
    this.#scope = scopeOf(call);
  }

  take(part: LanguageModelV3StreamPart): ModelEvent[] {
    switch (part.type) {
      case 'text-delta':
        return [{ kind: 'text', text: part.delta }];
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        return this.#think(part);
      case 'tool-input-start':
        return [...this.#mark(part), this.#begin(part.id, part.toolName)];
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
  #whole(call: LanguageModelV3ToolCall): ModelEvent[] {
    if (this.#calls.has(call.toolCallId)) return [];
    return [
      ...this.#mark(call),
      { ...this.#begin(call.toolCallId, call.toolName), arguments: call.input } as ModelEvent,
    ];
  }

  #think(part: ThoughtPart): ModelEvent[] {
    const known = this.#thoughts.get(part.id) ?? { text: '', metadata: undefined };
    const more = part.type === 'reasoning-delta' ? part.delta : '';
    const metadata = part.providerMetadata ?? known.metadata;
    const thought = { text: known.text + more, metadata };
    this.#thoughts.set(part.id, thought);
    if (part.type === 'reasoning-delta') return [{ kind: 'reasoning', text: more }];
    if (part.type === 'reasoning-start') return [];
    this.#thoughts.delete(part.id);
    const data = thoughtOf(thought.text, metadata);
    return [{ kind: 'reasoning-part', scope: this.#scope, data }];
  }

  #mark(call: { providerMetadata?: SharedV3ProviderMetadata }): ModelEvent[] {
    const data = optionsOf(call.providerMetadata);
    return data ? [{ kind: 'reasoning-part', scope: this.#scope, marks: 'call', data }] : [];
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

type ThoughtPart = Extract<
  LanguageModelV3StreamPart,
  { type: 'reasoning-start' | 'reasoning-delta' | 'reasoning-end' }
>;

interface Thought {
  readonly text: string;
  readonly metadata: SharedV3ProviderMetadata | undefined;
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
