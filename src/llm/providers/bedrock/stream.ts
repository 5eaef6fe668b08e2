import { isPlainObject, type ValueObject } from '../../../base/values.js';
import type { StreamReader } from '../../api-mapping.js';
import type { ModelEvent, ProviderCall } from '../../contract.js';
import type { StreamPiece } from '../../transport/transport.js';
import { finishOf } from '../message-facts.js';
import { idOf, ignoredOf, reported, scopeOf, usageOf } from './answer.js';

/**
 * Reads the events of ConverseStream
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html).
 * The usage comes after the finish, in `metadata`.
 */
export class ConverseStream implements StreamReader {
  readonly #call: ProviderCall;
  readonly #thought = new Thought();

  constructor(call: ProviderCall) {
    this.#call = call;
  }

  take({ event, data }: StreamPiece, requestId: string | undefined): ModelEvent[] {
    switch (event) {
      case 'messageStart':
        return [{ kind: 'start', model: this.#call.request.model, extra: idOf(requestId) }];
      case 'contentBlockStart':
        return beginBlock(data);
      case 'contentBlockDelta':
        this.#thought.take(data.delta);
        return continueBlock(data);
      case 'contentBlockStop':
        return this.#keepThought();
      case 'messageStop':
        return [
          {
            kind: 'finish',
            finish: finishOf(data.stopReason),
            extra: ignoredOf(this.#call.request),
          },
        ];
      case 'metadata':
        return [{ kind: 'usage', usage: usageOf(data.usage), extra: reported(data.usage) }];
      default:
        return [];
    }
  }

  end(): ModelEvent[] {
    return [];
  }

  #keepThought(): ModelEvent[] {
    const data = this.#thought.end();
    return data ? [{ kind: 'reasoning-part', scope: scopeOf(this.#call), data }] : [];
  }
}

/**
 * A reasoning block in pieces: text, then its signature; or bytes that the maker sealed
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningContentBlockDelta.html).
 */
class Thought {
  #text: string | undefined;
  #signature: string | undefined;
  #sealed: Buffer[] = [];

  take(delta: unknown): void {
    const told = isPlainObject(delta) ? delta.reasoningContent : undefined;
    if (!isPlainObject(told)) return;
    const { text, signature, redactedContent } = told;
    if (typeof text === 'string') this.#text = (this.#text ?? '') + text;
    if (typeof signature === 'string') this.#signature = (this.#signature ?? '') + signature;
    if (typeof redactedContent === 'string') {
      this.#sealed.push(Buffer.from(redactedContent, 'base64'));
    }
  }

  /** The block, if one was open. */
  end(): ValueObject | undefined {
    const [text, signature, sealed] = [this.#text, this.#signature, this.#sealed];
    [this.#text, this.#signature, this.#sealed] = [undefined, undefined, []];
    if (sealed.length > 0) {
      return { reasoningContent: { redactedContent: Buffer.concat(sealed).toString('base64') } };
    }
    if (text === undefined && signature === undefined) return undefined;
    const signed = signature === undefined ? {} : { signature };
    return { reasoningContent: { reasoningText: { text: text ?? '', ...signed } } };
  }
}

function beginBlock({ contentBlockIndex: index, start }: ValueObject): ModelEvent[] {
  const use = isPlainObject(start) ? start.toolUse : undefined;
  if (!isPlainObject(use) || typeof index !== 'number') return [];
  return [{ kind: 'tool-call', index, id: String(use.toolUseId), name: String(use.name) }];
}

function continueBlock({ contentBlockIndex: index, delta }: ValueObject): ModelEvent[] {
  if (!isPlainObject(delta) || typeof index !== 'number') return [];
  const { text, toolUse, reasoningContent: told } = delta;
  if (typeof text === 'string' && text !== '') return [{ kind: 'text', text }];
  if (isPlainObject(toolUse) && typeof toolUse.input === 'string') {
    return [{ kind: 'tool-call', index, arguments: toolUse.input }];
  }
  if (isPlainObject(told) && typeof told.text === 'string') {
    return [{ kind: 'reasoning', text: told.text }];
  }
  return [];
}
