import type { Pointer } from './engine.js';
import { PRELUDE_NAME } from './guest/prelude.js';
import { type Completion, EVAL, type GuestContext } from './guest-context.js';

/** `JS_STRIP_DEBUG` of the engine's `quickjs.h`: functions keep neither their text nor their lines. */
const STRIP = 2;
/** The engine's runtime is smaller, and its table of shapes not larger. */
const RUNTIME_WORDS = 128;
const SHAPE_BITS = { min: 3, max: 20 } as const;

/**
 * Evaluates the host's own code, of which the realm keeps neither text nor lines: a quarter of an
 * image would be made of them. The engine has a switch for that and no export to set it; where it
 * lies is known from `findSwitch`.
 */
export function evaluateBare(
  guest: GuestContext,
  text: string,
  switchAt: Pointer | undefined,
): Completion {
  turn(guest, switchAt, STRIP);
  try {
    return guest.evaluate(text, PRELUDE_NAME, EVAL.script);
  } finally {
    turn(guest, switchAt, 0);
  }
}

function turn(guest: GuestContext, switchAt: Pointer | undefined, to: number): void {
  if (switchAt !== undefined) guest.instance.views.bytes[switchAt] = to;
}

/**
 * The address of the byte `strip_flags`, which stands in the runtime before the bits, size, count and
 * address of its table of shapes (`quickjs.c` of https://bellard.org/quickjs, 2025-09-13); undefined
 * when nothing there does what it should.
 */
export function findSwitch(guest: GuestContext): Pointer | undefined {
  for (let at = guest.runtime; at < guest.runtime + RUNTIME_WORDS * 4; at += 4) {
    if (isBeforeShapes(guest, at) && strips(guest, at)) return at;
  }
  return undefined;
}

function isBeforeShapes({ instance }: GuestContext, at: Pointer): boolean {
  const { words, bytes } = instance.views;
  const [flags = 1, bits = 0, size = 0, count = 0, table = 0] = words.subarray(at >>> 2);
  const isTable = bits >= SHAPE_BITS.min && bits <= SHAPE_BITS.max && size === 2 ** bits;
  return flags === 0 && isTable && count <= size * 2 && table > 0 && table < bytes.length;
}

function strips(guest: GuestContext, at: Pointer): boolean {
  const made = evaluateBare(guest, '(function named() { return 7 })', at);
  const text = guest.evaluate("(made) => '' + made", PRELUDE_NAME, EVAL.script);
  if ('thrown' in made || 'thrown' in text) return false;
  const told = guest.call(text.value, [made.value]);
  const hasText = 'thrown' in told || guest.text(told.value).includes('7');
  if ('value' in told) guest.free(told.value);
  guest.free(made.value);
  guest.free(text.value);
  return !hasText;
}
