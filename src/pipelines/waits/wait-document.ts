import { contentHash } from '../../base/canonical.js';
import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, takeValue, type Value, type ValueObject } from '../../base/values.js';

export type WaitKind = 'answer' | 'signal' | 'event' | 'time';

/** `closed`: its run ended without it. */
export type WaitStatus = 'open' | 'answered' | 'expired' | 'closed';

/** What a run waits for. What came is its `value`, or `value_ref`. */
export interface WaitDocument extends Document {
  readonly _type: 'wait';
  readonly run: string;
  readonly path: string;
  readonly kind: WaitKind;
  readonly status: WaitStatus;
  /** The signal's or the event's name. */
  readonly name?: string;
  /** The event's correlation key. */
  readonly key?: Value;
  /** What whoever answers is shown. */
  readonly question?: Value;
  /** The JSON Schema of what may come. */
  readonly schema?: ValueObject | boolean;
  /** ISO 8601, UTC. */
  readonly opened_at: string;
  /** When the run goes on, of a wait for a time. ISO 8601, UTC. */
  readonly due_at?: string;
  /** When the wait is given up. ISO 8601, UTC. */
  readonly expires_at?: string;
  /** While it is open: the earliest of all times at which the run has to be looked at. */
  readonly wake_at?: string;
  /** While it is open: by what events find it. */
  readonly topic?: string;
  /** The event that came. */
  readonly event?: string;
}

/** What a wait stage asks for. Times are milliseconds since the epoch. */
export interface WaitPlan {
  readonly kind: WaitKind;
  readonly name?: string;
  readonly key?: Value;
  readonly topic?: string;
  readonly question?: Value;
  readonly schema?: ValueObject | boolean;
  readonly dueAt?: number;
  readonly expiresAt?: number;
}

/** By what events and waits find each other; a signal is an event that is meant for one run. */
export function topicOf(name: string, key: Value, run: string | null = null): string {
  return contentHash(takeValue([name, key, run]));
}

/** The last moment that a date can name. https://tc39.es/ecma262/#sec-time-values-and-time-range */
const TIME_MAX = 8.64e15;

/**
 * When a wait for a time ends, in milliseconds since the epoch.
 *
 * @throws {JdbxError} MISSING_INPUT
 */
export function dueOf(
  { until, ms }: { readonly until?: Value; readonly ms?: Value },
  nowMs: number,
  path: string,
): number {
  const given = until ?? ms ?? null;
  const asked =
    until === undefined ? nowMs + (typeof ms === 'number' ? ms : Number.NaN) : timeOf(until);
  if (asked >= 0 && asked <= TIME_MAX) return asked;
  const what = until === undefined ? 'milliseconds' : 'a date, ISO 8601 text or milliseconds';
  const got = typeof given === 'object' ? describeType(given) : String(given);
  throw new JdbxError('MISSING_INPUT', `expected ${what}, got ${got}`, {
    path: `${path}.${until === undefined ? 'ms' : 'until'}`,
  });
}

function timeOf(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return Date.parse(value);
  return (value as unknown) instanceof Date ? (value as unknown as Date).getTime() : Number.NaN;
}
