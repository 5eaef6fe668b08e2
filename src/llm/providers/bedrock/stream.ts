import { isPlainObject, type ValueObject } from '../../../base/values.js';
import type { StreamReader } from '../../api-mapping.js';
import type { ModelEvent, ModelRequest } from '../../contract.js';
import type { StreamPiece } from '../../transport/transport.js';
import { finishOf } from '../message-facts.js';
import { idOf, ignoredOf, reported, usageOf } from './answer.js';

/**
 * Reads the events of ConverseStream
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html).
 * The usage comes after the finish, in `metadata`.
 */
export class ConverseStream implements StreamReader {
  readonly #request: ModelRequest;

  constructor(request: ModelRequest) {
    this.#request = request;
  }

  take({ event, data }: StreamPiece, requestId: string | undefined): ModelEvent[] {
    switch (event) {
      case 'messageStart':
        return [{ kind: 'start', model: this.#request.model, extra: idOf(requestId) }];
      case 'contentBlockStart':
        return beginBlock(data);
      case 'contentBlockDelta':
        return continueBlock(data);
      case 'messageStop':
        return [
          { kind: 'finish', finish: finishOf(data.stopReason), extra: ignoredOf(this.#request) },
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
