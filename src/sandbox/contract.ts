import type { Value } from '../base/values.js';
import type { GuestEntry } from './entry.js';
import type { NearCounts, NearRequest } from './near.js';

/**
 * The sandbox runs one function of a guest's code, in a worker thread, with
 * copied arguments and only the host functions it is handed. It knows nothing
 * of documents, stores or pipelines: what `db.get` does is the caller's.
 */
export interface Sandbox {
  /**
   * Runs a guest and settles no later than its wall time plus a grace of 100 ms.
   *
   * @throws {JdbxError} GUEST_SYNTAX, GUEST_ERROR, GUEST_TIMEOUT, GUEST_MEMORY, GUEST_STACK,
   * GUEST_OUTPUT, GUEST_HOST_CALLS, GUEST_CRASHED, GUEST_QUEUE_FULL, STORE_CLOSED, INVALID_DOCUMENT
   * (an argument), the error of a host function that the guest let through, or the abort reason of
   * `signal`
   */
  call(call: GuestCall): Promise<GuestResult>;
  /**
   * The entry that `call` would run, and its parameters. Code is parsed once and remembered.
   *
   * @throws {JdbxError} GUEST_SYNTAX
   */
  entryOf(code: GuestCode): GuestEntry;
  /** Where the host calls were answered that near functions are for, since it was opened. */
  readonly nearCounts: NearCounts;
  close(): Promise<void>;
}

export interface GuestCode {
  /** Names the code in stack traces and errors: the document's id. */
  readonly name: string;
  /** The code, as `checkGuestCode` accepted it. */
  readonly code: string;
  /** The entry function's name, when the document says it; else the entry rule decides. */
  readonly entry?: string | undefined;
  /** The code of every module that it imports, directly or not, by the specifier. */
  readonly imports?: Readonly<Record<string, string>> | undefined;
}

export interface GuestCall extends GuestCode {
  readonly args: readonly Value[];
  /** The functions that exist in the guest, by dotted name: `db.get`, `llm.call`. */
  readonly host: HostFunctions;
  readonly limits: GuestLimits;
  /** What `Date.now()` starts from in the guest, in milliseconds since the epoch. */
  readonly now: number;
  /** Seeds the guest's `Math.random`; equal seeds give equal sequences. */
  readonly seed: string;
  /** Keep the guest's globals for the next call of the same `name` and `code`. Default false. */
  readonly reuse?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For host functions that can be answered in the guest's own thread: `near.ts`. */
  readonly near?: NearRequest | undefined;
}

export interface GuestResult {
  readonly value: Value;
  /** What the guest printed, oldest first, bounded in lines and bytes. */
  readonly console: readonly ConsoleLine[];
  readonly hostCalls: number;
  /** Where those of near kinds were answered; absent when there were none. */
  readonly near?: NearCounts | undefined;
  /** Time spent in the worker, in milliseconds. */
  readonly durationMs: number;
}

export interface ConsoleLine {
  readonly level: 'debug' | 'log' | 'info' | 'warn' | 'error';
  readonly text: string;
}

/**
 * Host functions by dotted name. They run in the caller's thread and may be
 * async; the guest sees a plain synchronous call (and may `await` it). What
 * they throw reaches the guest as an `Error` with `code` and `message`, without
 * a stack.
 */
export type HostFunctions = {
  readonly [name: string]: (...args: Value[]) => unknown;
};

export interface GuestLimits {
  /** Wall time of the whole call, host functions included. */
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly stackBytes: number;
  /** Size of the returned value as JSON text. */
  readonly outputBytes: number;
  readonly hostCalls: number;
}

/** Defaults, and the ceilings that no document can pass. */
export const GUEST_LIMITS: { readonly defaults: GuestLimits; readonly ceilings: GuestLimits } = {
  defaults: {
    timeoutMs: 5_000,
    memoryBytes: 64 * 2 ** 20,
    stackBytes: 128 * 2 ** 10,
    outputBytes: 8 * 2 ** 20,
    hostCalls: 1_000,
  },
  ceilings: {
    timeoutMs: 60_000,
    memoryBytes: 512 * 2 ** 20,
    stackBytes: 256 * 2 ** 10,
    outputBytes: 16 * 2 ** 20,
    hostCalls: 100_000,
  },
};
