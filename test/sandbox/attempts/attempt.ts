import type { ErrorCode } from '#jdbx/base/errors.js';
import type { Value } from '#jdbx/base/values.js';
import type { GuestCall, GuestLimits } from '#jdbx/sandbox/contract.js';

/** One thing that hostile code tries, and what must come of it. */
export interface Attempt {
  /** What it tried, as the end of "a guest that tried …". */
  readonly tried: string;
  readonly code: string;
  readonly args?: readonly Value[];
  readonly host?: GuestCall['host'];
  readonly limits?: Partial<GuestLimits>;
  /** The value that the call must give … */
  readonly gives?: unknown;
  /** … or the code that it must fail with, one of several … */
  readonly fails?: ErrorCode | readonly ErrorCode[];
  /** … and what the error's message must say. */
  readonly says?: RegExp;
}

/** An attempt whose body is an expression. */
export function trying(tried: string, expression: string, gives: unknown, more = {}): Attempt {
  return { tried, code: `const f = (...args) => (${expression})`, gives, ...more };
}
