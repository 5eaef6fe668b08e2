import { KeyWriter, typeByte, writeField } from '../../base/key-bytes.js';
import type { KeySpan } from '../../indexes/contract.js';
import type { PreparedAccess, PreparedBound, PreparedEnd } from './prepared.js';
import type { Operand, Scalar } from './read-shape.js';

type Range = Extract<PreparedBound, { kind: 'range' }>;

/** Keys of both ends are written into one buffer that is used again: nothing is allocated. */
const writer = new KeyWriter();
const span = { bytes: writer.bytes, lowerLength: 0, upperLength: 0, upperInclusive: false };

/**
 * The keys within the bounds of an access, until the next call.
 *
 * @param point stands for the list among the operands
 */
export function spanOf(
  { bounds, whole }: PreparedAccess,
  operands: readonly Operand[],
  point: Scalar | undefined,
): KeySpan {
  writer.reset();
  const last = bounds[bounds.length - 1] as PreparedBound;
  const points = last.kind === 'range' ? bounds.length - 1 : bounds.length;
  for (let at = 0; at < points; at++) writePoint(bounds[at] as PreparedBound, operands, point);
  if (last.kind === 'range') writeRange(last, operands);
  else writePrefix(whole);
  span.bytes = writer.bytes;
  return span;
}

function writePoint(
  bound: PreparedBound,
  operands: readonly Operand[],
  point: Scalar | undefined,
): void {
  const { slot, direction } = bound as Extract<PreparedBound, { kind: 'points' }>;
  const operand = operands[slot] as Operand;
  writeField(writer, typeof operand === 'object' ? point : operand, direction);
}

/** One whole key, or every key that begins with what was written. */
function writePrefix(whole: boolean): void {
  const length = writer.end;
  writer.again(length);
  if (!whole) writer.raise(length);
  span.lowerLength = length;
  span.upperLength = writer.end - length;
  span.upperInclusive = whole;
}

/** A descending field has its bytes inverted, so the range's ends change places. */
function writeRange({ lower, upper, direction }: Range, operands: readonly Operand[]): void {
  const [first, last] = direction === 1 ? [lower, upper] : [upper, lower];
  const sample = operands[((lower ?? upper) as PreparedEnd).slot] as Scalar;
  const prefix = writer.end;
  writeEnd(first, sample, direction, operands, 0);
  if (first && !first.inclusive) writer.raise(prefix);
  const start = writer.end;
  writer.again(prefix);
  const field = writer.end;
  writeEnd(last, sample, direction, operands, 1);
  if (last?.inclusive) writer.raise(field);
  span.lowerLength = start;
  span.upperLength = writer.end - start;
  span.upperInclusive = false;
}

/** An open end lies where the values of the other end's type begin, or are over. */
function writeEnd(
  end: PreparedEnd | undefined,
  sample: Scalar,
  direction: 1 | -1,
  operands: readonly Operand[],
  past: 0 | 1,
): void {
  if (end) writeField(writer, operands[end.slot] as Scalar, direction);
  else writer.byte(typeByte(sample, direction) + past);
}
