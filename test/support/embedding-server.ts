import { createHash } from 'node:crypto';
import { answer, type Behaviour, type Seen } from './fault-server.js';

/** Numbers in a vector. */
export const DIMS = 256;

/**
 * Plays an embeddings API that computes something real: how often each three letters of a text
 * follow one another, hashed to a place of the vector, over words without their order. It compares
 * words and knows no meaning; for tests that is enough, for its likenesses are known.
 */
export function embeddings(): Behaviour {
  return answer(({ body }: Seen) => {
    const data = (body.input as string[]).map((text, index) => ({
      index,
      embedding: [...trigrams(text)],
    }));
    const tokens = (body.input as string[]).reduce((sum, text) => sum + text.length, 0);
    return { data, usage: { prompt_tokens: tokens, total_tokens: tokens } };
  });
}

/** The vector of a text, not of length 1. */
export function trigrams(text: string): Float32Array {
  const vector = new Float32Array(DIMS);
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
    const padded = ` ${word} `;
    for (let at = 0; at + 3 <= padded.length; at++) {
      const hash = createHash('sha256')
        .update(padded.slice(at, at + 3))
        .digest();
      const place = hash.readUInt16LE(0) % DIMS;
      vector[place] = (vector[place] as number) + 1;
    }
  }
  return vector;
}
