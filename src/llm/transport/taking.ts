import type { StreamFrame } from './frames.js';
import type { Streamed, Take } from './transport.js';

/** Hands pieces to a taker, one after the other, and knows what it threw. */
export class Taking {
  readonly #take: Take;
  #failed: { readonly error: unknown } | undefined;

  constructor(take: Take) {
    this.#take = take;
  }

  /** What the taker threw: its own error, and none of the connection's. */
  get failed(): { readonly error: unknown } | undefined {
    return this.#failed;
  }

  one(streamed: Streamed): void | Promise<void> {
    try {
      const taking = this.#take(streamed);
      return taking?.catch((error) => this.#fail(error));
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** A promise only where the taker gives one. */
  all(
    frames: readonly StreamFrame[],
    toPiece: (frame: StreamFrame) => Streamed,
    from = 0,
  ): void | Promise<void> {
    for (let at = from; at < frames.length; at++) {
      const frame = frames[at] as StreamFrame;
      if (isSentinel(frame)) continue;
      const taking = this.one(toPiece(frame));
      if (taking) return taking.then(() => this.all(frames, toPiece, at + 1));
    }
  }

  #fail(error: unknown): never {
    this.#failed ??= { error };
    throw error;
  }
}

/** OpenAI's servers close a stream with the word `[DONE]`; that it is over is known already. */
function isSentinel({ data }: StreamFrame): boolean {
  return data === '[DONE]' || data === '';
}
