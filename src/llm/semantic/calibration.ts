import type { Document } from '../../base/document.js';
import type { Embedder } from '../embeddings/embedder.js';
import { wilson } from './wilson.js';

/** Two questions, and whether one answer serves both. */
export interface LabelledPair {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
}

/** What labelled pairs say of an embedder. Its `_id` is `embedder_calibration:` and the embedder's. */
export interface Calibration extends Document {
  readonly _type: 'embedder_calibration';
  /** The share of served answers that had to be right. */
  readonly precision: number;
  /**
   * The similarity from which on that holds; absent when it holds from none: then nothing is
   * served.
   */
  readonly threshold?: number;
  /** At most this share of the pairs from the threshold on is wrong, with 95 % confidence. */
  readonly error?: number;
  readonly pairs: number;
}

/** Of a hundred answers that are served, one may be wrong. */
export const PRECISION_DEFAULT = 0.99;

export function calibrationId(embedder: string): string {
  return `embedder_calibration:${embedder}`;
}

/**
 * Measures from which similarity on one answer serves two questions: the lowest from which the
 * share of wrong pairs stays within `1 - precision` by the upper end of its 95 % interval. No
 * wrong one among some 400 shows a precision of 99 %, among some 75 one of 95 %.
 *
 * @returns the fields of a calibration
 */
export async function calibrate(
  embedder: Embedder,
  pairs: readonly LabelledPair[],
  precision = PRECISION_DEFAULT,
): Promise<Pick<Calibration, 'precision' | 'threshold' | 'error' | 'pairs'>> {
  const vectors = await embedder.embed(pairs.flatMap(({ a, b }) => [a, b]));
  const measured = pairs
    .map(({ same }, index) => {
      const [a, b] = [vectors[2 * index], vectors[2 * index + 1]];
      return { same, similarity: similarityOf(a as Float32Array, b as Float32Array) };
    })
    .sort((left, right) => right.similarity - left.similarity);
  return { precision, pairs: pairs.length, ...lowest(measured, 1 - precision) };
}

/** The cosine, for vectors of length 1. */
export function similarityOf(left: Float32Array, right: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < left.length; at++) sum += (left[at] as number) * (right[at] as number);
  return sum;
}

function lowest(
  measured: readonly { readonly same: boolean; readonly similarity: number }[],
  errorMax: number,
): { readonly threshold?: number; readonly error?: number } {
  let found = {};
  let wrong = 0;
  for (const [index, { same, similarity }] of measured.entries()) {
    if (!same) wrong++;
    // Equal ones stand or fall together.
    if (measured[index + 1]?.similarity === similarity) continue;
    const [, error] = wilson(wrong, index + 1);
    if (error <= errorMax) found = { threshold: similarity, error };
  }
  return found;
}
