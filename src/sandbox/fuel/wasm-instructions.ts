import { WasmFormatError, type WasmReader } from './wasm-bytes.js';

/** The instructions that metering looks at. */
export const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  call: 0x10,
  returnCall: 0x12,
  localGet: 0x20,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i32LessSigned: 0x48,
  i32LessUnsigned: 0x49,
  i32Subtract: 0x6b,
  i32ShiftRightUnsigned: 0x76,
  refFunc: 0xd2,
  /** `BULK` and others follow as a number. */
  prefix: 0xfc,
} as const;

export const BULK = { memoryCopy: 10, memoryFill: 11 } as const;
export const TYPE = { i32: 0x7f, empty: 0x40 } as const;

/** How many numbers follow each instruction behind `OP.prefix`, by its own number. */
const PREFIXED_NUMBERS = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

/**
 * Skips what follows instruction `op`, up to the next one
 * (https://webassembly.github.io/spec/core/binary/instructions.html).
 *
 * @throws {WasmFormatError} for an instruction of a later version
 */
export function skipImmediates(op: number, reader: WasmReader): void {
  if (op === OP.brTable) for (let rest = reader.number() + 1; rest > 0; rest--) reader.number();
  else if (op === OP.prefix) skipPrefixed(reader);
  else if (op === 0x43) reader.skip(4);
  else if (op === 0x44) reader.skip(8);
  else if (op === 0x1c) reader.skip(reader.number());
  else for (let rest = numbersAfter(op); rest > 0; rest--) reader.skipNumber();
}

function skipPrefixed(reader: WasmReader): void {
  const numbers = PREFIXED_NUMBERS[reader.number()];
  if (numbers === undefined) throw new WasmFormatError('an unknown prefixed instruction');
  for (let rest = numbers; rest > 0; rest--) reader.skipNumber();
}

function numbersAfter(op: number): number {
  if (op >= 0x45 && op <= 0xc4) return 0;
  // Loads and stores: alignment and offset.
  if (op >= 0x28 && op <= 0x3e) return 2;
  if (op >= 0x20 && op <= 0x26) return 1;
  const count = NUMBERS.get(op);
  if (count === undefined) throw new WasmFormatError(`an unknown instruction ${op}`);
  return count;
}

const NUMBERS = new Map([
  ...[0x00, 0x01, 0x05, OP.end, 0x0f, 0x1a, 0x1b, 0xd1].map((op) => [op, 0] as const),
  ...[OP.block, OP.loop, OP.if, OP.br, OP.brIf, OP.call, OP.returnCall].map(
    (op) => [op, 1] as const,
  ),
  ...[0x3f, 0x40, OP.i32Const, 0x42, 0xd0, OP.refFunc].map((op) => [op, 1] as const),
  ...[0x11, 0x13].map((op) => [op, 2] as const),
]);
