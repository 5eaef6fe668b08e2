import { WasmFormatError, WasmReader, WasmWriter } from './wasm-bytes.js';
import { BULK, OP, skipImmediates, TYPE } from './wasm-instructions.js';

/** Where the metered module has what metering adds. */
export interface MeterIndices {
  /** The imported function to call when there is no fuel left; functions from here on have moved up by one. */
  readonly refuel: number;
  /** The globals that hold the fuel left, and the lowest address that the stack reached. */
  readonly fuel: number;
  readonly stackLow: number;
  /** The global that holds the stack pointer. */
  readonly stack: number;
}

/** A loop with a jump table of so many targets is the interpreter's own, and polls by itself. */
const DISPATCH_TARGETS_MIN = 200;
/** Copying or clearing so many bytes, as a power of two, costs as much as a turn of a loop. */
const BULK_BYTES_PER_FUEL_LOG2 = 6;

/** What takes the place of the bytes from `at` to `end`, in the order of where. */
type Patch = { readonly at: number; readonly end: number } & (
  | { readonly kind: 'function'; readonly index: number }
  | { readonly kind: 'stack' | 'bulk' }
  /** A way back to one of `loops`; `depth` is that of a conditional branch. */
  | { readonly kind: 'back'; readonly loops: readonly number[]; readonly depth?: number }
);

/** The body of a function (locals and code), metered. `parameters` is how many it has. */
export function meterFunction(
  body: WasmReader,
  parameters: number,
  indices: MeterIndices,
): Uint8Array {
  const { groups, count } = readLocals(body);
  const code = body.at;
  const patches = findPatches(body, indices);
  const needsLocal = patches.some(({ kind }) => kind === 'bulk');
  const out = new WasmWriter(body.end - code + patches.length * 24 + groups.bytes.length + 16);
  out.number(groups.count + (needsLocal ? 1 : 0)).put(groups.bytes);
  if (needsLocal) out.number(1).byte(TYPE.i32);
  let copied = code;
  for (const patch of patches) {
    out.put(body.bytes.subarray(copied, patch.at));
    copied = patch.end;
    write(patch, out, parameters + count, indices);
  }
  return out.put(body.bytes.subarray(copied, body.end)).done();
}

interface Locals {
  readonly groups: { readonly count: number; readonly bytes: Uint8Array };
  readonly count: number;
}

function readLocals(body: WasmReader): Locals {
  const groups = body.number();
  const start = body.at;
  let count = 0;
  for (let group = 0; group < groups; group++) {
    count += body.number();
    body.byte();
  }
  return { groups: { count: groups, bytes: body.since(start) }, count };
}

function findPatches(body: WasmReader, { refuel, stack }: MeterIndices): Patch[] {
  const patches: Patch[] = [];
  const loops = new OpenLoops();
  while (!body.isAtEnd) {
    const at = body.at;
    const op = body.byte();
    const operandAt = body.at;
    if (op === OP.loop && (body.bytes[operandAt] as number) >>> 6 !== 1) {
      // A type by number: a branch back would have to carry values.
      throw new WasmFormatError('a loop that takes values');
    }
    skipImmediates(op, body);
    loops.follow(op);
    const operand = () => new WasmReader(body.bytes, operandAt);
    if (op === OP.call || op === OP.returnCall || op === OP.refFunc) {
      const index = operand().number();
      if (index < refuel) continue;
      patches.push({ at: operandAt, end: body.at, kind: 'function', index: index + 1 });
    } else if (op === OP.br || op === OP.brIf) {
      const depth = operand().number();
      const targets = loops.among([depth]);
      if (targets.length === 0) continue;
      if (op === OP.br) patches.push({ at, end: at, kind: 'back', loops: targets });
      else patches.push({ at, end: body.at, kind: 'back', loops: targets, depth });
    } else if (op === OP.brTable) {
      const depths = readTargets(operand());
      if (depths.length > DISPATCH_TARGETS_MIN) loops.markDispatch();
      const targets = loops.among(depths);
      if (targets.length > 0) patches.push({ at, end: at, kind: 'back', loops: targets });
    } else if (op === OP.globalSet && operand().number() === stack) {
      patches.push({ at: body.at, end: body.at, kind: 'stack' });
    } else if (op === OP.prefix && isBulk(operand().number())) {
      patches.push({ at, end: at, kind: 'bulk' });
    }
  }
  return patches.filter((patch) => patch.kind !== 'back' || patch.loops.some(loops.isCharged));
}

/** The blocks that are open at a place in the code: a loop's number, or 0. */
class OpenLoops {
  readonly #open: number[] = [];
  readonly #dispatch = new Set<number>();
  #count = 0;

  follow(op: number): void {
    if (op === OP.block || op === OP.if) this.#open.push(0);
    else if (op === OP.loop) this.#open.push(++this.#count);
    else if (op === OP.end) this.#open.pop();
  }

  /** The loops that branches of these depths go back to. */
  among(depths: readonly number[]): number[] {
    return depths.map((depth) => this.#open.at(-1 - depth) ?? 0).filter((loop) => loop > 0);
  }

  markDispatch(): void {
    this.#dispatch.add(this.#open.findLast((loop) => loop > 0) ?? 0);
  }

  readonly isCharged = (loop: number) => !this.#dispatch.has(loop);
}

function readTargets(reader: WasmReader): number[] {
  return Array.from({ length: reader.number() + 1 }, () => reader.number());
}

function isBulk(number: number): boolean {
  return number === BULK.memoryCopy || number === BULK.memoryFill;
}

function write(patch: Patch, out: WasmWriter, local: number, indices: MeterIndices): void {
  if (patch.kind === 'function') out.number(patch.index);
  else if (patch.kind === 'stack') writeStackLow(out, indices);
  else if (patch.kind === 'back') writeBack(out, indices, patch.depth);
  else {
    // The size is on top of the stack, and stays there.
    out.byte(OP.localTee).number(local);
    writeCharge(out, indices, () => {
      out.byte(OP.localGet).number(local).byte(OP.i32Const).byte(BULK_BYTES_PER_FUEL_LOG2);
      out.byte(OP.i32ShiftRightUnsigned);
    });
  }
}

/** Charges a turn; where the branch has a condition, only if it is taken. */
function writeBack(out: WasmWriter, indices: MeterIndices, depth: number | undefined): void {
  if (depth !== undefined) out.byte(OP.if).byte(TYPE.empty);
  writeCharge(out, indices, () => out.byte(OP.i32Const).byte(1));
  if (depth !== undefined)
    out
      .byte(OP.br)
      .number(depth + 1)
      .byte(OP.end);
}

/** `fuel -= amount; if (fuel < 0) refuel()` */
function writeCharge(out: WasmWriter, { fuel, refuel }: MeterIndices, amount: () => void): void {
  out.byte(OP.globalGet).number(fuel);
  amount();
  out.byte(OP.i32Subtract).byte(OP.globalSet).number(fuel);
  out.byte(OP.globalGet).number(fuel).byte(OP.i32Const).byte(0).byte(OP.i32LessSigned);
  out.byte(OP.if).byte(TYPE.empty).byte(OP.call).number(refuel).byte(OP.end);
}

/** `if (stack < stackLow) stackLow = stack` */
function writeStackLow(out: WasmWriter, { stack, stackLow }: MeterIndices): void {
  out.byte(OP.globalGet).number(stack).byte(OP.globalGet).number(stackLow);
  out.byte(OP.i32LessUnsigned).byte(OP.if).byte(TYPE.empty);
  out.byte(OP.globalGet).number(stack).byte(OP.globalSet).number(stackLow).byte(OP.end);
}
