import { LRUCache } from 'lru-cache';
import type { GuestProgram } from './messages.js';

/** How many codes are remembered, and under how many names, rights and limits each. */
const CODES_MAX = 500;
const VARIANTS_MAX = 16;

/**
 * Numbers programs, so that a worker is sent each only once. Equal programs
 * have one number as long as they are remembered; no number is given twice.
 */
export class Programs {
  readonly #byCode = new LRUCache<string, NumberedProgram[]>({ max: CODES_MAX });
  #next = 1;

  numbered(program: GuestProgram): NumberedProgram {
    const variants = this.#byCode.get(program.code) ?? [];
    const known = variants.find((variant) => isSameProgram(variant.program, program));
    if (known) return known;
    const numbered = { number: this.#next++, program };
    this.#byCode.set(program.code, [numbered, ...variants.slice(0, VARIANTS_MAX - 1)]);
    return numbered;
  }
}

export interface NumberedProgram {
  readonly number: number;
  readonly program: GuestProgram;
}

/** The same code is given. */
function isSameProgram(left: GuestProgram, right: GuestProgram): boolean {
  return (
    left.name === right.name &&
    left.entry === right.entry &&
    left.module === right.module &&
    isSameList(left.host, right.host) &&
    isSame(left.limits, right.limits) &&
    isSame(left.imports, right.imports)
  );
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, at) => item === right[at]);
}

/** Whether two plain values are equal, whatever fields they have. */
function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return false;
  for (const key in left) {
    const [mine, other] = [left[key as never], right[key as never]];
    if (mine !== other && !isSame(mine, other)) return false;
  }
  return Object.keys(left).length === Object.keys(right).length;
}
