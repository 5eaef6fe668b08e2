import type { Redact } from './redact.js';

/**
 * Takes a secret out of a text that comes in pieces, also where the secret is
 * cut by the end of a piece: what could be the beginning of one is held back
 * until the next piece shows that it is none.
 */
export class StreamRedactor {
  readonly #redact: Redact;
  readonly #forms: readonly string[];
  #held = '';

  /** @param forms every spelling that `redact` looks for */
  constructor(redact: Redact, forms: readonly string[]) {
    this.#redact = redact;
    this.#forms = forms;
  }

  /** What may be shown so far. */
  take(text: string): string {
    const clean = this.#redact(this.#held + text);
    const keep = this.#beginningAtEnd(clean);
    this.#held = clean.slice(clean.length - keep);
    return clean.slice(0, clean.length - keep);
  }

  /** What was held back, now that nothing follows. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** The length of the longest end of `text` that a secret begins with. */
  #beginningAtEnd(text: string): number {
    const lengthMax = Math.max(0, ...this.#forms.map((form) => form.length - 1));
    for (let length = Math.min(lengthMax, text.length); length > 0; length--) {
      const end = text.slice(-length);
      if (this.#forms.some((form) => form.startsWith(end))) return length;
    }
    return 0;
  }
}
