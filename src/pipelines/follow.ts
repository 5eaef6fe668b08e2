import { JdbxError } from '../base/errors.js';
import type { Database } from '../documents/database.js';
import type { AuditDocument } from '../history/audit-chain.js';
import { type LiveEvent, LiveEvents, type RunEmitter } from './live-events.js';
import type { RunDocument } from './run-document.js';

/** What happened in a run, or in a child run of it. Each is durable when it is told. */
export interface RunEvent {
  /** Where to join again: an event's number is higher than that of every one before it. */
  readonly n: number;
  readonly type: RunEventType;
  readonly run: string;
  /** The stage's path. */
  readonly path?: string;
  readonly live?: never;
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
  /** Tell also what this process is just about: stages that start, pieces of answers. Default false. */
  readonly live?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An event that is not kept: `n` is the number of the last one before it that is. */
export type LiveRunEvent = LiveEvent & { readonly n: number; readonly live: true };

/** Where live events come from. */
export interface LiveSource {
  readonly emitter: RunEmitter;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The run is followed from when this settles; what is live before is told too. */
  readonly begun?: Promise<unknown>;
}

/** Events that are read at once. */
const AT_ONCE = 500;

/**
 * What a run has done and does, until it ends, in whatever process it runs. The audit trail is
 * the only source of what is kept, so whoever joins again after the last number seen misses
 * nothing and sees nothing twice. What is live is told between them, where it happened, to those
 * in its own process.
 *
 * @throws {JdbxError} MISSING_DOCUMENT
 */
export async function* followRun(
  database: Database,
  run: string,
  { since = 0, signal }: FollowOptions,
  source?: LiveSource,
): AsyncGenerator<RunEvent | LiveRunEvent, void> {
  const live = source && new LiveEvents(source.emitter, run, source.now);
  const changes = database.watch({ _type: 'audit' }, { signal });
  let next: Promise<IteratorResult<unknown>> | undefined;
  try {
    await source?.begun;
    for (let seen = since, isOver = false; ; ) {
      const happening = live?.take() ?? [];
      const entries = await eventsAfter(database, run, seen);
      if (live) happening.push(...endedMeanwhile(live, entries));
      const isWhole = entries.length < AT_ONCE;
      for (const event of inOrder(entries, happening, isWhole, (later) => live?.keep(later))) {
        if (event instanceof Kept) {
          seen = event.entry.n;
          yield eventOf(event.entry);
          if (event.entry.kind === 'run-end' && event.entry.run === run) return;
        } else yield { ...event, n: seen, live: true };
      }
      if (entries.length > 0 || happening.length > 0) continue;
      // The end may have been committed since the entries were read: they are read once more.
      if (isOver) return;
      isOver = await hasEnded(database, run);
      if (isOver) continue;
      next ??= changes.next();
      const woken = live ? await Promise.race([next, live.some()]) : await next;
      if (woken === undefined) continue;
      if (woken.done) return;
      next = undefined;
    }
  } finally {
    live?.close();
    await changes.return();
  }
}

/** What was emitted while the entries were read, as far as it belongs before one of them. */
function endedMeanwhile(live: LiveEvents, entries: readonly Entry[]): LiveEvent[] {
  const late = live.take();
  const last = late.findLastIndex((event) => entries.some((entry) => endsStage(entry, event)));
  live.keep(late.splice(last + 1));
  return late;
}

function endsStage(entry: Entry, { run, path }: LiveEvent): boolean {
  return entry.kind === 'stage' && entry.run === run && entry.path === path;
}

/** A run may be stored with its first stage: that it starts is told before what is live of it. */
function begins(entry: Entry, { run }: LiveEvent): boolean {
  return entry.kind === 'run-start' && (run === entry.run || run.startsWith(`${entry.run}/`));
}

class Kept {
  readonly entry: Entry;

  constructor(entry: Entry) {
    this.entry = entry;
  }
}

/**
 * By time; of the same time, what is live of a stage comes before the stage's end, and the
 * start of another one after it. What is later than a page that goes on is kept for the next.
 */
function* inOrder(
  entries: readonly Entry[],
  live: readonly LiveEvent[],
  isWhole: boolean,
  keep: (later: readonly LiveEvent[]) => void,
): Generator<Kept | LiveEvent> {
  const left = [...live];
  for (const entry of entries) {
    // What is live of a stage was emitted before its end was committed.
    const last = left.findLastIndex((event) => endsStage(entry, event));
    const earlier = left.findLastIndex((event) => event.at < entry.at && !begins(entry, event));
    yield* left.splice(0, Math.max(last, earlier) + 1);
    yield new Kept(entry);
  }
  if (isWhole) yield* left;
  else keep(left);
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
