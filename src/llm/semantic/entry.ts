import type { Document } from '../../base/document.js';
import type { Calibration } from './calibration.js';

/** A question whose answer is kept, by its meaning. */
export interface SemanticEntry extends Document {
  readonly _type: 'semantic_entry';
  /** All that was asked but the question's words, of whom, by which embedder. */
  readonly scope: string;
  /** The kept answer; an entry whose answer is gone is gone too. */
  readonly from: string;
  /** Of length 1: 32-bit floats, lowest byte first. */
  readonly vector: Uint8Array;
  /** Similarities of other questions that were asked all the same, by whether the answers agreed. */
  readonly agreed: readonly number[];
  readonly disagreed: readonly number[];
  /** ISO 8601. */
  readonly at: string;
}

/** Trials that an entry remembers, of each outcome. */
export const TRIALS_MAX = 200;
/** How many trials of its own outweigh what labelled pairs say of all entries. */
const PRIOR_TRIALS = 50;

/** An entry goes by its answer's name, so that it goes with it. */
export function entryId(from: string): string {
  return from.replace(/^cached_response:/, 'semantic_entry:');
}

/**
 * Whether an entry's answer may be given for a question that is so similar. The embedder's
 * calibration says how often that is wrong among all entries; each trial of this one adds to it.
 * Answers do not agree less where questions are more alike: so an agreement speaks for all that
 * are at least as similar, a disagreement against all that are at most. An entry that was wrong
 * once has a threshold of its own above that similarity, until many agreements speak against it.
 */
export function isTrusted(
  similarity: number,
  { agreed, disagreed }: Pick<SemanticEntry, 'agreed' | 'disagreed'>,
  { precision, threshold, error = 1 }: Pick<Calibration, 'precision' | 'threshold' | 'error'>,
): boolean {
  if (threshold === undefined || similarity < threshold) return false;
  const right = agreed.filter((each) => each <= similarity).length;
  const wrong = disagreed.filter((each) => each >= similarity).length;
  return (PRIOR_TRIALS * error + wrong) / (PRIOR_TRIALS + right + wrong) <= 1 - precision;
}

export function toBytes(vector: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [index, value] of vector.entries()) view.setFloat32(index * 4, value, true);
  return new Uint8Array(view.buffer);
}

export function fromBytes(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, at) =>
    view.getFloat32(at * 4, true),
  );
}
