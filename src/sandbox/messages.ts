import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../base/errors.js';
import type { Value } from '../base/values.js';
import type { ConsoleLine, GuestLimits } from './contract.js';
import type { GuestFailure } from './guest/failures.js';
import type { NearCounts, NearSource } from './near.js';
import type { RealmBase } from './realm-boot.js';

/** What a worker is born with. */
export interface WorkerStart {
  readonly wasm: WebAssembly.Module;
  readonly control: SharedArrayBuffer;
  /** What an earlier worker made, so that this one starts sooner. */
  readonly base: RealmBase | undefined;
  /** What `control`'s times count from, by `monotonicNow`. */
  readonly epoch: number;
  /** Where the answers to host calls come in, read synchronously. */
  readonly answers: MessagePort;
  /** What of the host can be done in the worker itself. */
  readonly near: NearSource | undefined;
}

/** The 32-bit cells of `control`. */
export const CONTROL = {
  /** Counts answers and stops; the worker sleeps on it. */
  wake: 0,
  /** The id of a call that must end at once. */
  stop: 1,
  /** The id of the next call of a batch that may be begun, see `batch.ts`. */
  next: 2,
  /** When the call that was begun last began, in milliseconds since the worker's epoch. */
  beganAt: 3,
  /** Whether the worker may be ended, see `gate.ts`. */
  gate: 4,
  cells: 5,
} as const;

/** What many calls have in common. */
export interface GuestProgram {
  readonly name: string;
  readonly code: string;
  readonly entry: string;
  readonly module: boolean;
  /** The code of the modules that it imports, by specifier. */
  readonly imports?: Readonly<Record<string, string>> | undefined;
  readonly host: readonly string[];
  readonly limits: GuestLimits;
}

/** Main thread → worker: run these, in order; their ids follow each other. */
export interface BatchMessage {
  readonly firstId: number;
  /** Whether the programs that were sent before are to be forgotten. */
  readonly forgets: boolean;
  /** Programs that the worker has not been sent yet, by number. */
  readonly programs: readonly (readonly [number: number, program: GuestProgram])[];
  readonly calls: readonly CallOrder[];
  /** What the near functions of all calls share, when it is not what was sent before. */
  readonly shared?: { readonly facts: unknown };
}

/** A call whose time has not begun. A list, because names of fields would be copied with each. */
export type CallOrder = readonly [
  program: number,
  /** The text of the array of arguments. */
  argumentsText: string,
  now: number,
  seed: string,
  reuse: boolean,
  /** What the near functions need for it; undefined when it has none. */
  near?: unknown,
];

export interface CallMessage extends GuestProgram {
  /** What its realm is remembered by, see `realms.ts`. */
  readonly key: string;
  readonly id: number;
  readonly argumentsText: string;
  /** Absolute, in milliseconds of `monotonicNow`. */
  readonly deadline: number;
  readonly now: number;
  readonly seed: string;
  readonly reuse: boolean;
}

/** A program as a worker keeps it. */
export type KeyedProgram = GuestProgram & { readonly key: string };

/** The call of an order. Field by field, because a spread takes longer than a short guest. */
export function callOf(
  { name, code, entry, module, imports, host, limits, key }: KeyedProgram,
  [, argumentsText, now, seed, reuse]: CallOrder,
  id: number,
  deadline: number,
): CallMessage {
  return {
    name,
    code,
    entry,
    module,
    imports,
    host,
    limits,
    key,
    id,
    argumentsText,
    deadline,
    now,
    seed,
    reuse,
  };
}

/** Main thread → worker: the answer to host call number `sequence`. */
export interface AnswerMessage {
  readonly sequence: number;
  readonly text: string;
  /** What near functions must hear of it, or what they asked for. */
  readonly news?: unknown;
}

/** Worker → main thread. */
export type WorkerMessage =
  | { readonly kind: 'ready'; readonly base: RealmBase }
  | {
      readonly kind: 'host-call';
      readonly id: number;
      readonly sequence: number;
      readonly name: string;
      readonly argumentsText: string;
    }
  /** A near function of call `id` asks its own end. */
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly sequence: number;
      readonly question: Value;
    }
  /** These calls are over; with `isIdle` the worker can take more. */
  | {
      readonly kind: 'settled';
      readonly reports: readonly ReportEntry[];
      readonly isIdle: boolean;
    };

/** A report as it crosses: short where the outcome is a value and nothing was printed. */
export type ReportEntry = readonly [
  id: number,
  outcome: GuestOutcome | string,
  hostCalls: number,
  durationMs: number,
  more?: ReportMore,
];

/** What few calls have to report. */
export interface ReportMore {
  readonly console?: readonly ConsoleLine[];
  readonly near?: NearCounts;
}

export interface CallReport {
  readonly outcome: GuestOutcome;
  readonly console: readonly ConsoleLine[];
  readonly hostCalls: number;
  readonly durationMs: number;
  readonly near?: NearCounts | undefined;
}

export type GuestOutcome =
  | { readonly kind: 'value'; readonly text: string }
  /** The guest threw. */
  | { readonly kind: 'thrown'; readonly failure: GuestFailure }
  /** The sandbox ended it. */
  | { readonly kind: 'stopped'; readonly code: ErrorCode; readonly text: string };

/** Milliseconds on a clock that all threads of the process share. */
export function monotonicNow(): number {
  return performance.timeOrigin + performance.now();
}
