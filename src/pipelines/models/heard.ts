import type { Document } from '../../base/document.js';
import type { ModelEvent, ModelRequest } from '../../llm/contract.js';

/**
 * What was heard of an answer that comes in pieces. An attempt that begins anew makes
 * what was heard before void.
 */
export class Heard {
  #attempt = 0;
  #text: string[] = [];
  #calls = false;

  take(event: ModelEvent, attempt: number): void {
    if (attempt !== this.#attempt) {
      this.#attempt = attempt;
      this.#text = [];
      this.#calls = false;
    }
    if (event.kind === 'text') this.#text.push(event.text);
    if (event.kind === 'tool-call') this.#calls = true;
  }

  /** The text that another may go on from; empty when there is none, or more than text. */
  get text(): string {
    return this.#calls ? '' : this.#text.join('');
  }
}

const GO_ON = 'Go on exactly where your answer breaks off. Repeat nothing, and add no remark.';

/**
 * The request that lets a model go on with an answer that another one began. An integration
 * whose `prefill` is true continues a last message of its own; others are told to.
 */
export function resumed(request: ModelRequest, begun: string, { prefill }: Document): ModelRequest {
  const said = { role: 'assistant' as const, content: begun };
  const told = { role: 'user' as const, content: GO_ON };
  return { ...request, messages: [...request.messages, said, ...(prefill === true ? [] : [told])] };
}
