import { isPlainObject, type ValueObject } from '../../../base/values.js';
import type { StreamReader } from '../../api-mapping.js';
import type { ModelEvent, ProviderCall } from '../../contract.js';
import type { StreamPiece } from '../../transport/transport.js';
import { finishOf } from '../message-facts.js';
import { ignoredOf, isThought, scopeOf, usageOf } from './answer.js';

/**
 * Reads the events of a streamed message
 * (https://docs.anthropic.com/en/docs/build-with-claude/streaming). The first
 * event tells the input's tokens, a later one all of them; `message_stop` alone
 * ends the answer.
 */
export class MessagesStream implements StreamReader {
  readonly #call: ProviderCall;
  /** The thinking block that is open. */
  #thought: ValueObject | undefined;
  #usage: ValueObject = {};
  #stopReason: unknown;

  constructor(call: ProviderCall) {
    this.#call = call;
  }

  take({ data, event }: StreamPiece, requestId: string | undefined): ModelEvent[] {
    switch (data.type ?? event) {
      case 'message_start':
        return this.#start(data.message, requestId);
      case 'content_block_start':
        return this.#begin(data);
      case 'content_block_delta':
        this.#think(data.delta);
        return takeDelta(data);
      case 'content_block_stop':
        return this.#thinkNoMore();
      case 'message_delta':
        return this.#takeFacts(data);
      case 'message_stop':
        return [
          {
            kind: 'finish',
            finish: finishOf(this.#stopReason),
            extra: ignoredOf(this.#call.request),
          },
        ];
      default:
        return [];
    }
  }

  end(): ModelEvent[] {
    return [];
  }

  #start(message: unknown, requestId: string | undefined): ModelEvent[] {
    const { id, model, usage } = isPlainObject(message) ? message : {};
    const extra = {
      ...(typeof id === 'string' ? { id } : {}),
      ...(requestId === undefined ? {} : { request_id: requestId }),
    };
    const start: ModelEvent = {
      kind: 'start',
      model: typeof model === 'string' ? model : undefined,
      extra,
    };
    return [start, ...this.#tell(usage)];
  }

  #begin(data: ValueObject): ModelEvent[] {
    const { content_block: block } = data;
    this.#thought = isPlainObject(block) && isThought(block) ? block : undefined;
    return startBlock(data);
  }

  /** The signature comes in a piece of its own, last. */
  #think(delta: unknown): void {
    if (!this.#thought || !isPlainObject(delta)) return;
    const { type, thinking, signature } = delta;
    const field = type === 'signature_delta' ? 'signature' : 'thinking';
    const more = type === 'signature_delta' ? signature : thinking;
    if (typeof more !== 'string') return;
    this.#thought = { ...this.#thought, [field]: String(this.#thought[field] ?? '') + more };
  }

  #thinkNoMore(): ModelEvent[] {
    const data = this.#thought;
    this.#thought = undefined;
    return data ? [{ kind: 'reasoning-part', scope: scopeOf(this.#call), data }] : [];
  }

  #takeFacts({ delta, usage }: ValueObject): ModelEvent[] {
    if (isPlainObject(delta)) this.#stopReason = delta.stop_reason;
    return this.#tell(usage);
  }

  #tell(usage: unknown): ModelEvent[] {
    if (!isPlainObject(usage)) return [];
    this.#usage = { ...this.#usage, ...(usage as ValueObject) };
    return [{ kind: 'usage', usage: usageOf(this.#usage), extra: { usage: this.#usage } }];
  }
}

function startBlock({ index, content_block: block }: ValueObject): ModelEvent[] {
  if (!isPlainObject(block) || typeof index !== 'number') return [];
  if (block.type === 'tool_use') {
    return [{ kind: 'tool-call', index, id: textIn(block.id), name: textIn(block.name) }];
  }
  const text = textIn(block.text);
  return block.type === 'text' && text !== undefined ? [{ kind: 'text', text }] : [];
}

function takeDelta({ index, delta }: ValueObject): ModelEvent[] {
  if (!isPlainObject(delta) || typeof index !== 'number') return [];
  const { type, text, thinking, partial_json } = delta;
  if (type === 'text_delta' && typeof text === 'string') return [{ kind: 'text', text }];
  if (type === 'thinking_delta' && typeof thinking === 'string') {
    return [{ kind: 'reasoning', text: thinking }];
  }
  if (type === 'input_json_delta' && typeof partial_json === 'string') {
    return [{ kind: 'tool-call', index, arguments: partial_json }];
  }
  return [];
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
