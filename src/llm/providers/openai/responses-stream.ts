import { isPlainObject, type ValueObject } from '../../../base/values.js';
import type { StreamReader } from '../../api-mapping.js';
import type { ModelEvent, ProviderCall } from '../../contract.js';
import type { StreamPiece } from '../../transport/transport.js';
import { checkFailed, finishOf, keptItem, responsesUsage, scopeOf } from './responses-answer.js';

/**
 * Reads the events of a streamed response
 * (https://platform.openai.com/docs/api-reference/responses-streaming). Tool calls begin
 * with `output_item.added`; `completed` or `incomplete` ends the answer and tells the usage.
 */
export class ResponsesStream implements StreamReader {
  readonly #call: ProviderCall;
  #calls = 0;
  #summaries = 0;
  #refusal = '';
  /** Which of our calls stands at which place of the output. */
  readonly #places = new Map<unknown, number>();

  constructor(call: ProviderCall) {
    this.#call = call;
  }

  take({ data, event }: StreamPiece, requestId: string | undefined): ModelEvent[] {
    switch (data.type ?? event) {
      case 'response.created':
        return [this.#start(data.response, requestId)];
      case 'response.output_text.delta':
        return textEvents('text', data.delta);
      case 'response.reasoning_summary_part.added':
        return textEvents('reasoning', this.#summaries++ > 0 ? '\n' : '');
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return textEvents('reasoning', data.delta);
      case 'response.refusal.delta':
        this.#refusal += String(data.delta);
        return [];
      case 'response.output_item.added':
        return this.#begin(data);
      case 'response.output_item.done':
        return this.#keep(data.item);
      case 'response.function_call_arguments.delta':
        return this.#continue(data);
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#finish(data.response);
      default:
        return [];
    }
  }

  end(): ModelEvent[] {
    return [];
  }

  #start(response: unknown, requestId: string | undefined): ModelEvent {
    const { id, model } = isPlainObject(response) ? response : {};
    const extra = {
      ...(typeof id === 'string' ? { id } : {}),
      ...(requestId === undefined ? {} : { request_id: requestId }),
    };
    return { kind: 'start', model: typeof model === 'string' ? model : undefined, extra };
  }

  #begin({ output_index, item }: ValueObject): ModelEvent[] {
    if (!isPlainObject(item) || item.type !== 'function_call') return [];
    const index = this.#calls++;
    this.#places.set(output_index, index);
    return [{ kind: 'tool-call', index, id: String(item.call_id), name: String(item.name) }];
  }

  #keep(item: unknown): ModelEvent[] {
    const data = isPlainObject(item) ? keptItem(item) : undefined;
    return data ? [{ kind: 'reasoning-part', scope: scopeOf(this.#call), data }] : [];
  }

  #continue({ output_index, delta }: ValueObject): ModelEvent[] {
    const index = this.#places.get(output_index);
    if (index === undefined || typeof delta !== 'string') return [];
    return [{ kind: 'tool-call', index, arguments: delta }];
  }

  #finish(response: unknown): ModelEvent[] {
    const body = (isPlainObject(response) ? response : {}) as ValueObject;
    checkFailed(body, this.#call);
    const isRefused = this.#refusal !== '';
    const finish = finishOf(body, { hasCalls: this.#calls > 0, isRefused });
    const usage = isPlainObject(body.usage) ? { usage: body.usage as ValueObject } : {};
    return [
      { kind: 'usage', usage: responsesUsage(body), extra: usage },
      { kind: 'finish', finish, extra: isRefused ? { refusal: this.#refusal } : {} },
    ];
  }
}

function textEvents(kind: 'text' | 'reasoning', delta: unknown): ModelEvent[] {
  return typeof delta === 'string' && delta !== '' ? [{ kind, text: delta }] : [];
}
