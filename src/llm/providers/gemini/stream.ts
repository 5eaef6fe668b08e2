import type { StreamReader } from '../../api-mapping.js';
import type { ModelEvent, ProviderCall } from '../../contract.js';
import type { StreamPiece } from '../../transport/transport.js';
import {
  blockReason,
  factsOf,
  finishOf,
  firstCandidate,
  isCall,
  modelIn,
  partsIn,
  scopeOf,
  tell,
  toCall,
  usageOf,
} from './answer.js';

/**
 * Reads a streamed answer: each piece has the form of a whole one and holds what came
 * since the last; the finish reason stands in the last of them.
 */
export class GeminiStream implements StreamReader {
  readonly #call: ProviderCall;
  #started = false;
  #calls = 0;

  constructor(call: ProviderCall) {
    this.#call = call;
  }

  take({ data }: StreamPiece, requestId: string | undefined): ModelEvent[] {
    const candidate = firstCandidate(data);
    const events = partsIn(candidate).flatMap((part) => this.#read(part));
    if (data.usageMetadata !== undefined) {
      events.push({ kind: 'usage', usage: usageOf(data.usageMetadata), extra: factsOf(data) });
    }
    const reason = candidate?.finishReason;
    if (typeof reason === 'string') {
      events.push({ kind: 'finish', finish: finishOf(reason, this.#calls > 0) });
    } else if (blockReason(data) !== undefined) {
      events.push({ kind: 'finish', finish: 'filter', extra: factsOf(data) });
    }
    if (this.#started) return events;
    this.#started = true;
    const extra = requestId === undefined ? {} : { request_id: requestId };
    return [{ kind: 'start', model: modelIn(data), extra }, ...events];
  }

  end(): ModelEvent[] {
    return [];
  }

  #read(part: Record<string, unknown>): ModelEvent[] {
    return [...this.#keep(part), ...this.#readPlain(part)];
  }

  #keep(part: Record<string, unknown>): ModelEvent[] {
    const { data, marks } = tell(part);
    if (!data) return [];
    return [{ kind: 'reasoning-part', scope: scopeOf(this.#call), data, marks }];
  }

  #readPlain(part: Record<string, unknown>): ModelEvent[] {
    const { text, thought } = part;
    if (typeof text === 'string' && text !== '') {
      return [{ kind: thought === true ? 'reasoning' : 'text', text }];
    }
    if (!isCall(part)) return [];
    const index = this.#calls++;
    const { id, name, json } = toCall(part.functionCall, index);
    return [{ kind: 'tool-call', index, id, name, arguments: json }];
  }
}
