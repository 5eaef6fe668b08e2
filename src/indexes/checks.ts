import { REF_MAX } from './bounds.js';

/** @throws {RangeError} for what no commit can be numbered with */
export function checkSeq(seq: number): void {
  if (!Number.isSafeInteger(seq) || seq < 0) {
    throw new RangeError(`expected a seq of 0 or more, got ${seq}`);
  }
}

/** @throws {RangeError} for what no document can be numbered with */
export function checkRef(ref: number): void {
  if (!Number.isInteger(ref) || ref < 1 || ref > REF_MAX) {
    throw new RangeError(`expected a ref from 1 to ${REF_MAX}, got ${ref}`);
  }
}
