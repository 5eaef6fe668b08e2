import type { Pointer } from './engine.js';
import { EVAL, type GuestContext } from './guest-context.js';
import { HeapReader, type HeapShape } from './heap-reader.js';

const SPECIMEN = `({ jdbxName: [1, -2.5, true, null, undefined, "text", "\\u4e2d\\u0001", new Date(7)],
  wide\\u4e2d: { a: { b: [] } }, rope: 'ab'.repeat(600) + 'cd'.repeat(600) + 'ef'.repeat(600) })`;
const SPECIMEN_TEXT = `{"jdbxName":[1,-2.5,true,null,null,"text","中\\u0001","\\u0001d7"],"wide中":{"a":{"b":[]}},"rope":"${'ab'.repeat(600)}${'cd'.repeat(600)}${'ef'.repeat(600)}"}`;

/**
 * Finds what differs from realm to realm, and tries it on a specimen; undefined
 * when the engine's heap is not as described here.
 */
export function measureHeap(guest: GuestContext): HeapShape | undefined {
  const codes = ['Object.prototype', 'Array.prototype', '({ then: 1 })', SPECIMEN];
  const values = codes.map((code) => evaluated(guest, code));
  const shape = shapeOf(guest, values as [Pointer, Pointer, Pointer, Pointer]);
  for (const value of values) guest.free(value);
  return shape;
}

function shapeOf(
  guest: GuestContext,
  [objectPrototype, arrayPrototype, thenable, specimen]: [Pointer, Pointer, Pointer, Pointer],
): HeapShape | undefined {
  const words = new Uint32Array(guest.instance.bytes.buffer);
  const addressAt = (value: Pointer) => words[value >>> 2] as number;
  const firstAtomOf = (value: Pointer) => {
    const shapeAt = words[(addressAt(value) + 20) >>> 2] as number;
    return words[(shapeAt + 52) >>> 2] as number;
  };
  const atom = firstAtomOf(specimen);
  const limits = { depthMax: 9, nodesMax: 99, lengthMax: 99_999, isSpent: () => false };
  for (let at = guest.runtime; at < guest.runtime + RUNTIME_BYTES; at += 4) {
    if (!isAtomTable(guest, words, at, atom)) continue;
    const shape = {
      objectPrototype: addressAt(objectPrototype),
      arrayPrototype: addressAt(arrayPrototype),
      thenAtom: firstAtomOf(thenable),
      atomsAt: at,
    };
    const reader = new HeapReader(guest.instance.views, shape, limits);
    if (reader.read(specimen) === SPECIMEN_TEXT) return shape;
  }
  return undefined;
}

/** The table's address is among the first fields of the engine's runtime. */
const RUNTIME_BYTES = 256;

function isAtomTable(guest: GuestContext, words: Uint32Array, at: Pointer, atom: number): boolean {
  const nameAt = words[((words[at >>> 2] as number) >>> 2) + atom];
  if (nameAt === undefined || nameAt + 24 > guest.instance.bytes.length) return false;
  return guest.instance.bytes
    .subarray(nameAt + 16, nameAt + 24)
    .every((unit, index) => unit === 'jdbxName'.charCodeAt(index));
}

function evaluated(guest: GuestContext, code: string): Pointer {
  const result = guest.evaluate(code, 'specimen', EVAL.script);
  if ('thrown' in result) throw new Error('the specimen cannot be evaluated');
  return result.value;
}
