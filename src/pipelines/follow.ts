import { JdbxError } from '../base/errors.js';
import type { Database } from '../documents/database.js';
import type { AuditDocument } from '../history/audit-chain.js';
import type { RunDocument } from './run-document.js';

/** What happened in a run, or in a child run of it. Each is durable when it is told. */
export interface RunEvent {
  /** Where to join again: an event's number is higher than that of every one before it. */
  readonly n: number;
  readonly type: RunEventType;
  readonly run: string;
  /** The stage's path. */
  readonly path?: string;
  /** How a stage or a run ended, or a wait. */
  readonly status?: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly error?: { readonly code: string; readonly message: string };
}

const TYPES = {
  'run-start': 'run-start',
  'run-resume': 'run-resume',
  'run-pause': 'run-pause',
  'run-compensate': 'run-compensate',
  stage: 'stage-end',
  'wait-open': 'wait-open',
  'wait-end': 'wait-end',
  'run-end': 'run-end',
} as const;

export type RunEventType = (typeof TYPES)[keyof typeof TYPES];

export interface FollowOptions {
  /** The number of the last event that was seen. Default 0: from the beginning. */
  readonly since?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Events that are read at once. */
const AT_ONCE = 500;

/**
 * What a run has done and does, until it ends, in whatever process it runs. The audit trail is
 * the only source, so whoever joins again after the last number seen misses nothing and sees
 * nothing twice.
 *
 * @throws {JdbxError} MISSING_DOCUMENT
 */
export async function* followRun(
  database: Database,
  run: string,
  { since = 0, signal }: FollowOptions,
): AsyncGenerator<RunEvent, void> {
  const changes = database.watch({ _type: 'audit' }, { signal });
  try {
    for (let seen = since; ; ) {
      const entries = await eventsAfter(database, run, seen);
      for (const entry of entries) {
        seen = entry.n;
        yield eventOf(entry);
        if (entry.kind === 'run-end' && entry.run === run) return;
      }
      if (entries.length > 0) continue;
      if (await hasEnded(database, run)) return;
      if ((await changes.next()).done) return;
    }
  } finally {
    await changes.return();
  }
}

type Entry = AuditDocument & Omit<RunEvent, 'type'>;

function eventsAfter(database: Database, run: string, n: number): Promise<Entry[]> {
  // A child run's id goes on behind a slash, which the next character ends.
  const children = { $gte: `${run}/`, $lt: `${run}0` };
  const own = { $or: [{ run }, { run: children }] };
  return database
    .query<Entry>({ _type: 'audit', kind: { $in: Object.keys(TYPES) }, n: { $gt: n }, ...own })
    .sort({ n: 1 })
    .limit(AT_ONCE)
    .toArray();
}

function eventOf({ n, kind, run, path, status, at, error }: Entry): RunEvent {
  const facts = { path, status, error };
  const said = Object.entries(facts).filter(([, fact]) => fact !== undefined);
  return { n, type: TYPES[kind as keyof typeof TYPES], run, at, ...Object.fromEntries(said) };
}

async function hasEnded(database: Database, id: string): Promise<boolean> {
  const run = await database.get<RunDocument>(id);
  if (run?._type === 'run') return run.ended_at !== undefined;
  throw new JdbxError('MISSING_DOCUMENT', `expected the run ${id}`, { details: { id } });
}
