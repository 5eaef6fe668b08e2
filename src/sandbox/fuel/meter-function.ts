import { WasmReader, WasmWriter } from './wasm-bytes.js';
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

/** What is inserted, in the order of where. */
type Patch =
  | { readonly at: number; readonly kind: 'loop'; readonly loop: number }
  | { readonly at: number; readonly kind: 'stack' | 'bulk' }
  | {
      readonly at: number;
      readonly kind: 'function';
      readonly index: number;
      readonly end: number;
    };

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
    copied = patch.kind === 'function' ? patch.end : patch.at;
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
  const dispatchLoops = new Set<number>();
  /** The open blocks: a loop's number, or 0. */
  const open: number[] = [];
  let loops = 0;
  while (!body.isAtEnd) {
    const start = body.at;
    const op = body.byte();
    if (op === OP.call || op === OP.returnCall || op === OP.refFunc) {
      const indexAt = body.at;
      const index = body.number();
      if (index >= refuel) {
        patches.push({ at: indexAt, kind: 'function', index: index + 1, end: body.at });
      }
      continue;
    }
    if (op === OP.prefix && isBulk(body)) patches.push({ at: start, kind: 'bulk' });
    const operandAt = body.at;
    skipImmediates(op, body);
    if (op === OP.block || op === OP.if) open.push(0);
    else if (op === OP.end) open.pop();
    else if (op === OP.loop) {
      open.push(++loops);
      patches.push({ at: body.at, kind: 'loop', loop: loops });
    } else if (op === OP.brTable) {
      const targets = new WasmReader(body.bytes, operandAt).number();
      if (targets >= DISPATCH_TARGETS_MIN)
        dispatchLoops.add(open.findLast((loop) => loop > 0) ?? 0);
    } else if (op === OP.globalSet && body.bytes[operandAt] === stack) {
      patches.push({ at: body.at, kind: 'stack' });
    }
  }
  return patches.filter((patch) => patch.kind !== 'loop' || !dispatchLoops.has(patch.loop));
}

function isBulk({ bytes, at }: WasmReader): boolean {
  return bytes[at] === BULK.memoryCopy || bytes[at] === BULK.memoryFill;
}

function write(patch: Patch, out: WasmWriter, local: number, indices: MeterIndices): void {
  if (patch.kind === 'function') out.number(patch.index);
  else if (patch.kind === 'stack') writeStackLow(out, indices);
  else if (patch.kind === 'loop') {
    writeCharge(out, indices, () => out.byte(OP.i32Const).byte(1));
  } else {
    // The size is on top of the stack, and stays there.
    out.byte(OP.localTee).number(local);
    writeCharge(out, indices, () => {
      out.byte(OP.localGet).number(local).byte(OP.i32Const).byte(BULK_BYTES_PER_FUEL_LOG2);
      out.byte(OP.i32ShiftRightUnsigned);
    });
  }
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
