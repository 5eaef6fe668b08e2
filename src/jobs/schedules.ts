import type { Clock } from '../base/clock.js';
import type { Document, NewDocument } from '../base/document.js';
import { isJdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import type { Database } from '../documents/database.js';
import { takeDocument } from '../documents/take-document.js';
import { nextTime, type ScheduleDocument } from './schedule-document.js';

/** Starts a run by its key; settles when the run is stored or known before, not when it ends. */
export type StartRun = (start: {
  readonly key: string;
  readonly pipeline: string;
  readonly input: Value;
  readonly session: string | undefined;
  readonly priority: number | undefined;
}) => Promise<void>;

/** How far a schedule has been followed. */
interface Progress extends Document {
  readonly _type: 'schedule_progress';
  readonly schedule: string;
  /** The revision that is followed: another one begins anew. */
  readonly schedule_rev: number;
  /** Where `every` counts from. ISO 8601, UTC, like the other times. */
  readonly anchor: string;
  /** The last time that was dealt with. It never goes back, whatever a clock does. */
  readonly last: string;
  readonly run?: string;
  readonly skipped: number;
  /** Times until then wait for the run before them, and are not skipped. */
  readonly made_up_until?: string;
}

interface Due {
  readonly at: number;
  /** No process was there, or it was too busy to look. */
  readonly late: boolean;
}

/** Times of one schedule that are looked at in a row. */
const TIMES_MAX = 1_000;
/** How long a queued time waits before it is looked at again, when nobody tells that the run ended. */
const QUEUE_LOOK_MS = 1_000;

/**
 * Follows schedule documents: each time gives one run, whose key is the schedule's and the
 * time's, so that a crash between two commits, or a second process, makes no second one.
 */
export class Schedules {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #start: StartRun;
  /** When this process began to look: times before that were missed. */
  readonly #since: number;
  #queueing = false;

  constructor(database: Database, clock: Clock, start: StartRun) {
    this.#database = database;
    this.#clock = clock;
    this.#start = start;
    this.#since = clock.now();
  }

  /** True while a time waits for the run before it to end. */
  get isQueueing(): boolean {
    return this.#queueing;
  }

  /** Starts what is due. Gives the next time of all schedules, in milliseconds since the epoch. */
  async followAll(): Promise<number | undefined> {
    this.#queueing = false;
    const schedules = await this.#database.query<ScheduleDocument>({ _type: 'schedule' });
    const next = await Promise.all(schedules.map((schedule) => this.#follow(schedule)));
    const times = next.filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async #follow(schedule: ScheduleDocument): Promise<number | undefined> {
    if (schedule.enabled === false) return undefined;
    const now = this.#clock.now();
    const { overlap = 'skip' } = schedule;
    let progress = await this.#progressOf(schedule, now);
    const anchor = Date.parse(progress.anchor);
    for (const { at, late } of this.#chosen(schedule, progress, now)) {
      const busy = overlap !== 'allow' && (await this.#isBusy(progress));
      // Of times that were missed and are all to be made up for, none is skipped.
      if (busy && (overlap === 'queue' || late)) {
        this.#queueing = true;
        await this.#move(progress, Date.parse(progress.last), { made_up_until: iso(now) });
        return now + QUEUE_LOOK_MS;
      }
      progress = await this.#deal(schedule, progress, at, busy);
    }
    const last = Date.parse(progress.last);
    const passed = this.#times(schedule, last, now, anchor).at(-1);
    if (passed !== undefined) progress = await this.#move(progress, passed, {});
    return nextTime(schedule, Math.max(now, Date.parse(progress.last)), anchor);
  }

  /** The times to run at: of those that were missed as many as the schedule asks for. */
  #chosen(schedule: ScheduleDocument, progress: Progress, now: number): Due[] {
    const { last, anchor, made_up_until = '' } = progress;
    const passed = this.#times(schedule, Date.parse(last), now, Date.parse(anchor));
    const isLate = (at: number, index: number) =>
      at < this.#since || index < passed.length - 1 || iso(at) <= made_up_until;
    const times = passed.map((at, index) => ({ at, late: isLate(at, index) }));
    const late = times.filter((each) => each.late);
    const onTime = times.slice(late.length);
    const { missed = 'once' } = schedule;
    if (missed === 'all')
      return late.length === 0 ? times : times.map(({ at }) => ({ at, late: true }));
    return missed === 'skip' ? onTime : [...late.slice(-1), ...onTime];
  }

  /** Times that have come since `last`; of very many the newest. */
  #times(schedule: ScheduleDocument, last: number, now: number, anchor: number): number[] {
    const { every } = schedule;
    const from = every === undefined ? last : Math.max(last, now - every * TIMES_MAX);
    const times: number[] = [];
    for (let at = nextTime(schedule, from, anchor); at !== undefined && at <= now; ) {
      times.push(at);
      if (times.length > TIMES_MAX) times.shift();
      at = nextTime(schedule, at, anchor);
    }
    return times;
  }

  async #deal(
    schedule: ScheduleDocument,
    progress: Progress,
    at: number,
    busy: boolean,
  ): Promise<Progress> {
    if (busy) return this.#move(progress, at, { skipped: progress.skipped + 1 });
    const key = `${schedule._id}@${iso(at)}`;
    const { pipeline, input = {}, session, priority } = schedule;
    try {
      await this.#start({ key, pipeline, input, session, priority });
    } catch (error) {
      if (isJdbxError(error, 'STORE_CLOSED', 'STORE_FULL', 'STORE_IO')) throw error;
      return this.#move(progress, at, { skipped: progress.skipped + 1, error: String(error) });
    }
    return this.#move(progress, at, { run: `run:${key}` });
  }

  async #isBusy({ run }: Progress): Promise<boolean> {
    const document = run === undefined ? undefined : await this.#database.get(run);
    return document !== undefined && document.ended_at === undefined;
  }

  async #progressOf(schedule: ScheduleDocument, now: number): Promise<Progress> {
    const { _id, _rev } = schedule;
    const known = await this.#database.get<Progress>(progressId(_id));
    if (known?.schedule_rev === _rev) return known;
    const begun = iso(now);
    // Times that were dealt with stay so, also when the clock stands before them now.
    const last = known && known.last > begun ? known.last : begun;
    const facts = { schedule: _id, schedule_rev: _rev, anchor: begun, last, skipped: 0 };
    return this.#write({ ...facts, ...(known?.run === undefined ? {} : { run: known.run }) });
  }

  #move(progress: Progress, at: number, change: object): Promise<Progress> {
    const { _id, _type, _rev, error, ...facts } = progress;
    return this.#write({ ...facts, last: iso(at), ...change });
  }

  /** What another process has written meanwhile is not taken back. */
  #write(facts: Omit<Progress, '_id' | '_type' | '_rev'>): Promise<Progress> {
    const _id = progressId(String(facts.schedule));
    return this.#database.submit((draft) => {
      const found = draft.get(_id) as Progress | undefined;
      const isBehind =
        found && found.schedule_rev === facts.schedule_rev && found.last > String(facts.last);
      if (isBehind) return found;
      const document = { _id, _type: 'schedule_progress', ...facts } as unknown as NewDocument;
      return draft.put(takeDocument(document)) as Progress;
    });
  }
}

function progressId(schedule: string): string {
  return `schedule_progress:${schedule}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
