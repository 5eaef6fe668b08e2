import { isPlainObject, type ValueObject } from '../../../base/values.js';
import type { StreamReader } from '../../api-mapping.js';
import type { ModelEvent } from '../../contract.js';
import type { StreamPiece } from '../../transport/transport.js';
import { reasoningOf } from './chat-answer.js';
import { finishOf, usageOf } from './facts.js';

/**
 * Reads the chunks of a streamed chat completion
 * (https://platform.openai.com/docs/api-reference/chat-streaming). Of several
 * choices the first is read. The usage comes in a chunk of its own after the
 * finish, or, from some servers, with every chunk; the last one counts.
 */
export class ChatStream implements StreamReader {
  #started = false;
  #refusal = '';

  take({ data }: StreamPiece, requestId: string | undefined): ModelEvent[] {
    const events: ModelEvent[] = [];
    if (!this.#started) events.push(this.#start(data, requestId));
    const choice = firstChoice(data);
    if (isPlainObject(choice?.delta)) this.#takeDelta(choice.delta, events);
    if (typeof choice?.finish_reason === 'string') events.push(this.#finish(choice.finish_reason));
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
    if (typeof delta.content === 'string' && delta.content !== '') {
      events.push({ kind: 'text', text: delta.content });
    }
    if (typeof delta.refusal === 'string') this.#refusal += delta.refusal;
    if (Array.isArray(delta.tool_calls)) {
      for (const [place, call] of delta.tool_calls.entries()) {
        if (isPlainObject(call)) events.push(toDelta(call, place));
      }
    }
  }

  #finish(reason: string): ModelEvent {
    if (this.#refusal === '') return { kind: 'finish', finish: finishOf(reason) };
    return { kind: 'finish', finish: 'filter', extra: { refusal: this.#refusal } };
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
