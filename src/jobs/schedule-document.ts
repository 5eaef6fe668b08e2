import { Cron } from 'croner';
import type { Document } from '../base/document.js';
import { describeThrown, JdbxError } from '../base/errors.js';
import { describeType, type Value } from '../base/values.js';

/** Starts a pipeline again and again. */
export interface ScheduleDocument extends Document {
  readonly _type: 'schedule';
  readonly pipeline: string;
  /** Default {}. */
  readonly input?: Value;
  readonly session?: string;
  readonly priority?: number;
  /** A cron pattern of five or six fields. https://croner.56k.guru/usage/pattern/ */
  readonly cron?: string;
  /** An IANA time zone for `cron`. Default UTC. */
  readonly time_zone?: string;
  /** Milliseconds from one time to the next. */
  readonly every?: number;
  /** What becomes of times at which no process was there. Default `once`. */
  readonly missed?: 'skip' | 'once' | 'all';
  /** What becomes of a time at which the run before has not ended. Default `skip`. */
  readonly overlap?: 'skip' | 'queue' | 'allow';
  /** Default true. */
  readonly enabled?: boolean;
}

const EVERY_MS_MIN = 100;
const EVERY_MS_MAX = 366 * 24 * 3_600_000;
const FIELDS = {
  missed: ['skip', 'once', 'all'],
  overlap: ['skip', 'queue', 'allow'],
} as const;

/**
 * Checks a schedule document when it is written.
 *
 * @throws {JdbxError} INVALID_SCHEDULE, with the path
 */
export function checkSchedule(document: { readonly [field: string]: unknown }): void {
  const { pipeline, cron, every, time_zone, enabled } = document;
  if (typeof pipeline !== 'string' || pipeline === '')
    refuse('pipeline', 'the id of a pipeline', pipeline);
  if ((cron === undefined) === (every === undefined)) {
    refuse('', 'one of cron and every', cron === undefined ? undefined : 'both');
  }
  if (every !== undefined) checkEvery(every);
  if (time_zone !== undefined && cron === undefined) refuse('time_zone', 'cron beside it', every);
  if (cron !== undefined) checkCron(cron, time_zone);
  for (const [field, known] of Object.entries(FIELDS)) {
    const value = document[field];
    if (value !== undefined && !known.includes(value as never))
      refuse(field, known.join(' or '), value);
  }
  if (enabled !== undefined && typeof enabled !== 'boolean')
    refuse('enabled', 'true or false', enabled);
}

function checkEvery(every: unknown): void {
  const fits = Number.isSafeInteger(every) && (every as number) >= EVERY_MS_MIN;
  if (fits && (every as number) <= EVERY_MS_MAX) return;
  refuse('every', `a whole number of milliseconds from ${EVERY_MS_MIN} to ${EVERY_MS_MAX}`, every);
}

function checkCron(cron: unknown, timeZone: unknown): void {
  if (typeof cron !== 'string') refuse('cron', 'a cron pattern', cron);
  if (timeZone !== undefined) checkTimeZone(timeZone);
  // A pattern may also be a date; one that is over never comes again.
  const next = parse(cron, (timeZone as string | undefined) ?? 'UTC').nextRun(new Date());
  if (!next) refuse('cron', 'a pattern that comes again', cron);
}

function checkTimeZone(timeZone: unknown): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: String(timeZone) });
  } catch {
    refuse('time_zone', 'an IANA time zone', timeZone);
  }
}

function parse(cron: string, timezone: string): Cron {
  try {
    return new Cron(cron, { timezone, paused: true });
  } catch (cause) {
    throw new JdbxError('INVALID_SCHEDULE', `expected a cron pattern: ${describeThrown(cause)}`, {
      path: 'cron',
      cause,
    });
  }
}

/**
 * The first time behind `afterMs`, in milliseconds since the epoch. Where the clocks of the
 * time zone are put forward, a time that does not exist comes when they have been; where they
 * are put back, a time that exists twice comes once.
 */
export function nextTime(
  { cron, every, time_zone }: ScheduleDocument,
  afterMs: number,
  anchorMs: number,
): number | undefined {
  if (every !== undefined) {
    return anchorMs + (Math.floor((afterMs - anchorMs) / every) + 1) * every;
  }
  return parse(cron as string, time_zone ?? 'UTC')
    .nextRun(new Date(afterMs))
    ?.getTime();
}

function refuse(path: string, expected: string, got: unknown): never {
  const shown =
    typeof got === 'string' || typeof got === 'number' ? String(got) : describeType(got);
  throw new JdbxError('INVALID_SCHEDULE', `expected ${expected}, got ${shown}`, {
    path: path || undefined,
  });
}
