import { isPlainObject, type Value, type ValueObject } from '../../../base/values.js';
import type { StreamReader } from '../../api-mapping.js';
import type { ModelEvent, ProviderCall } from '../../contract.js';
import type { StreamPiece } from '../../transport/transport.js';
import { markIn, reasoningOf, referencesIn, scopeOf } from './chat-answer.js';
import { ChatReasoning } from './chat-reasoning.js';
import { type Chunk, chunksIn, thinkingChunk } from './content-chunks.js';
import { finishOf, usageOf } from './facts.js';

/**
 * Reads the chunks of a streamed chat completion
 * (https://platform.openai.com/docs/api-reference/chat-streaming). Of several
 * choices the first is read. The usage comes in a chunk of its own after the
 * finish, or, from some servers, with every chunk; the last one counts.
 */
export class ChatStream implements StreamReader {
  readonly #scope: string;
  readonly #reasoning = new ChatReasoning();
  readonly #references: ValueObject[] = [];
  #started = false;
  #calls = false;
  #characters = 0;
  /** Thinking that stands among the content and has not ended. */
  #thought = '';
  #refusal = '';

  constructor(call: ProviderCall) {
    this.#scope = scopeOf(call);
  }

  take({ data }: StreamPiece, requestId: string | undefined): ModelEvent[] {
    const events: ModelEvent[] = [];
    if (!this.#started) events.push(this.#start(data, requestId));
    const choice = firstChoice(data);
    if (isPlainObject(choice?.delta)) this.#takeDelta(choice.delta, events);
    if (typeof choice?.finish_reason === 'string') this.#finish(choice.finish_reason, events);
    if (isPlainObject(data.usage)) {
      events.push({
        kind: 'usage',
        usage: usageOf(data.usage),
        extra: { usage: data.usage as ValueObject },
      });
    }
    return events;
  }

  end(): ModelEvent[] {
    return [];
  }

  #start({ id, model }: ValueObject, requestId: string | undefined): ModelEvent {
    this.#started = true;
    const extra = {
      ...(typeof id === 'string' ? { id } : {}),
      ...(requestId === undefined ? {} : { request_id: requestId }),
    };
    return {
      kind: 'start',
      model: typeof model === 'string' && model !== '' ? model : undefined,
      extra,
    };
  }

  #takeDelta(delta: Record<string, unknown>, events: ModelEvent[]): void {
    const { reasoning } = reasoningOf(delta);
    if (reasoning !== undefined) events.push({ kind: 'reasoning', text: reasoning });
    this.#reasoning.take(delta);
    this.#takeContent(delta.content, events);
    if (typeof delta.refusal === 'string') this.#refusal += delta.refusal;
    if (Array.isArray(delta.tool_calls)) {
      for (const [place, call] of delta.tool_calls.entries()) {
        if (isPlainObject(call)) this.#takeCall(call, place, events);
      }
    }
  }

  #takeContent(content: unknown, events: ModelEvent[]): void {
    if (typeof content === 'string') {
      this.#takeChunk({ text: content }, events);
      return;
    }
    const chunks = chunksIn(content as Value | undefined) ?? [];
    this.#references.push(...referencesIn(chunks, this.#characters));
    for (const chunk of chunks) this.#takeChunk(chunk, events);
  }

  #takeChunk({ text = '', thought = '' }: Chunk, events: ModelEvent[]): void {
    if (thought !== '') {
      this.#thought += thought;
      events.push({ kind: 'reasoning', text: thought });
    }
    if (text === '') return;
    this.#endThought(events);
    this.#characters += text.length;
    events.push({ kind: 'text', text });
  }

  #takeCall(call: Record<string, unknown>, place: number, events: ModelEvent[]): void {
    this.#endThought(events);
    this.#calls = true;
    this.#keep(markIn(call), events, 'call');
    events.push(toDelta(call, place));
  }

  #finish(reason: string, events: ModelEvent[]): void {
    this.#endThought(events);
    if (this.#calls) this.#keep(this.#reasoning.data, events);
    const isRefused = this.#refusal !== '';
    const extra = {
      ...(isRefused ? { refusal: this.#refusal } : {}),
      ...(this.#references.length === 0 ? {} : { references: this.#references }),
    };
    const finish = isRefused ? 'filter' : finishOf(reason);
    events.push({ kind: 'finish', finish, extra });
  }

  #endThought(events: ModelEvent[]): void {
    if (this.#thought !== '') this.#keep(thinkingChunk(this.#thought), events);
    this.#thought = '';
  }

  #keep(data: ValueObject | undefined, events: ModelEvent[], marks?: 'call'): void {
    if (data) events.push({ kind: 'reasoning-part', scope: this.#scope, data, marks });
  }
}

function firstChoice({ choices }: ValueObject): Record<string, unknown> | undefined {
  if (!Array.isArray(choices)) return undefined;
  const isFirst = (choice: unknown) => isPlainObject(choice) && (choice.index ?? 0) === 0;
  return choices.find(isFirst) as Record<string, unknown> | undefined;
}

/** Some compatible servers leave out `index`; the place in the list stands for it. */
function toDelta(call: Record<string, unknown>, place: number): ModelEvent {
  const made = isPlainObject(call.function) ? call.function : {};
  return {
    kind: 'tool-call',
    index: Number.isSafeInteger(call.index) ? (call.index as number) : place,
    id: textIn(call.id),
    name: textIn(made.name),
    arguments: typeof made.arguments === 'string' ? made.arguments : undefined,
  };
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
