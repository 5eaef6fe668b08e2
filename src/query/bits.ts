import type { BitsWanted } from './filter-node.js';

/** The bit positions that a `$bits…` operand names: a list of them, a whole number, or bytes. */
export function bitPositions(operand: unknown): readonly number[] | undefined {
  if (Array.isArray(operand)) {
    return operand.every((item) => Number.isInteger(item) && item >= 0) ? [...operand] : undefined;
  }
  if (operand instanceof Uint8Array)
    return setPositions((at) => byteBit(operand, at), operand.length * 8);
  if (typeof operand !== 'number' || !Number.isSafeInteger(operand) || operand < 0)
    return undefined;
  const mask = BigInt(operand);
  return setPositions((at) => numberBit(mask, at), 53);
}

/** Tests the bits of a whole number (64-bit two's complement, sign extended) or of bytes. */
export function testBits(value: unknown, want: BitsWanted, positions: readonly number[]): boolean {
  const bit = bitReader(value);
  if (!bit) return false;
  switch (want) {
    case 'allSet':
      return positions.every(bit);
    case 'allClear':
      return !positions.some(bit);
    case 'anySet':
      return positions.some(bit);
    case 'anyClear':
      return !positions.every(bit);
  }
}

function bitReader(value: unknown): ((at: number) => boolean) | undefined {
  if (value instanceof Uint8Array) return (at) => byteBit(value, at);
  if (typeof value !== 'number' || !Number.isInteger(value) || Math.abs(value) > 2 ** 63) {
    return undefined;
  }
  const bits = BigInt(value);
  return (at) => numberBit(bits, at);
}

function numberBit(bits: bigint, at: number): boolean {
  return ((bits >> BigInt(Math.min(at, 63))) & 1n) === 1n;
}

function byteBit(bytes: Uint8Array, at: number): boolean {
  return (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) === 1;
}

function setPositions(isSet: (at: number) => boolean, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at).filter(isSet);
}
