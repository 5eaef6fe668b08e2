import type { ErrorCode, JdbxError } from '#jdbx/base/errors.js';
import type { Value } from '#jdbx/base/values.js';
import {
  GUEST_LIMITS,
  type GuestCall,
  type GuestLimits,
  type GuestResult,
  type Sandbox,
} from '#jdbx/sandbox/contract.js';

export interface CallOptions extends Partial<Omit<GuestCall, 'code' | 'limits'>> {
  readonly limits?: Partial<GuestLimits>;
}

/** Calls `code` with what a test does not care about filled in. */
export function callGuest(
  sandbox: Sandbox,
  code: string,
  options: CallOptions = {},
): Promise<GuestResult> {
  return sandbox.call({
    name: 'transformer:test',
    args: [],
    host: {},
    now: Date.UTC(2024, 0, 15, 10),
    seed: 'seed',
    ...options,
    code,
    limits: { ...GUEST_LIMITS.defaults, ...options.limits },
  });
}

export async function guestValue(
  sandbox: Sandbox,
  code: string,
  options?: CallOptions,
): Promise<Value> {
  return (await callGuest(sandbox, code, options)).value;
}

/** The `JdbxError` that a promise rejects with; anything else fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<JdbxError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Error && 'code' in error) return error as JdbxError;
  throw new Error(`expected a coded error, got ${String(error)}`, { cause: error });
}

export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode> {
  return (await errorOf(promise)).code;
}
