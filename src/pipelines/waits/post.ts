import { isJdbxError, JdbxError } from '../../base/errors.js';
import { newId } from '../../base/ids.js';
import { isoTime } from '../../base/iso-time.js';
import type { Value } from '../../base/values.js';
import type { Database } from '../../documents/database.js';
import { auditAll } from '../commit-stage.js';
import { type RunDocument, waitId } from '../run-document.js';
import { loadValue } from '../stored-value.js';
import { checkValue } from '../value-schema.js';
import { type Emitted, type EventDocument, insertEvent } from './event-document.js';
import type { WaitDocument } from './wait-document.js';
import { deliver, endWait, openOne, wakeWait } from './wait-writes.js';

/** Wakes a run, by the id of the outermost one around it. */
export type Wake = (run: string) => void;

const ENDED = ['completed', 'failed', 'cancelled'];
/** How many waits are looked at in one commit. */
const AT_ONCE = 500;

/**
 * Brings what comes from outside to the waits: answers, signals, events and times. Waits
 * and events find each other in either order: whichever is committed later looks for the
 * other, and one commit gives the event to the wait, so it is met exactly once.
 */
export class Post {
  readonly #database: Database;
  readonly #wake: Wake;
  readonly #now: () => number;

  constructor(database: Database, now: () => number, wake: Wake) {
    this.#database = database;
    this.#now = now;
    this.#wake = wake;
  }

  /** @throws {JdbxError} WAIT_MISSING, WAIT_ANSWERED, RUN_ENDED, SCHEMA_VIOLATION */
  async answer(run: string, which: string, value: Value): Promise<void> {
    const id = which.startsWith('wait:') ? which : waitId(run, which);
    const root = await this.#database.submit((draft) => {
      const wait = openOne(draft, id);
      if (wait.kind !== 'answer' || wait.run !== run) refuseKind(wait, run);
      check(wait, value);
      return endWait(draft, wait, { status: 'answered', value });
    });
    this.#wake(root);
  }

  /** @throws {JdbxError} MISSING_DOCUMENT, RUN_ENDED, SCHEMA_VIOLATION */
  async signal(run: string, name: string, value: Value): Promise<void> {
    const id = newId('event');
    for (const wait of await this.#open(run, name)) check(wait, value);
    const event = await this.#database.submit((draft) => {
      refuseEnded(draft.get(run) as RunDocument | undefined, run);
      auditAll(draft, [{ kind: 'signal', run, name }]);
      return insertEvent(draft, id, { name, key: null, value, once: true, to: run });
    });
    await this.meet(event);
  }

  /** Gives the event's id. */
  async emit(emitted: Emitted): Promise<string> {
    const id = newId('event');
    await this.meet(await this.#database.submit((draft) => insertEvent(draft, id, emitted)));
    return id;
  }

  /** Hands an event that is stored to the waits that are open for it, the oldest first. */
  async meet(event: EventDocument): Promise<void> {
    const { topic, once } = event;
    const waits = await this.#database
      .query<WaitDocument>({ _type: 'wait', topic })
      .sort({ opened_at: 1, _id: 1 });
    const fitting = waits.filter((wait) => this.#fits(wait, event));
    if (!once) await Promise.all(fitting.map(({ _id }) => this.#deliver(_id, event._id)));
    else for (const { _id } of fitting) if (await this.#deliver(_id, event._id)) return;
  }

  /** Looks for an event that came before its wait. True when there was one. */
  async collect(wait: WaitDocument): Promise<boolean> {
    if (wait.topic === undefined) return false;
    const events = await this.#database
      .query<EventDocument>({ _type: 'event', topic: wait.topic })
      .sort({ n: 1, _id: 1 });
    for (const event of events) {
      if (!this.#fits(wait, event) || (!event.once && (await this.#met(wait, event)))) continue;
      if (await this.#deliver(wait._id, event._id)) return true;
    }
    return false;
  }

  /** For waits that a killed process left between their commit and their event's. */
  async collectAll(): Promise<void> {
    const waits = this.#database.query<WaitDocument>({ _type: 'wait', topic: { $exists: true } });
    for (const wait of await waits) await this.collect(wait);
  }

  /** Ends the waits whose time has come. Gives the next time, in milliseconds since the epoch. */
  async wakeDue(): Promise<number | undefined> {
    const due = { _type: 'wait', wake_at: { $lte: isoTime(this.#now()) } };
    for (;;) {
      const waits = await this.#database.query(due).sort({ wake_at: 1 }).limit(AT_ONCE);
      const roots = await this.#database.submit((draft) =>
        waits.map(({ _id }) => wakeWait(draft, _id)),
      );
      for (const root of new Set(roots)) if (root !== undefined) this.#wake(root);
      if (waits.length < AT_ONCE || roots.every((root) => root === undefined)) break;
    }
    return this.nextWake();
  }

  /** The next time at which a wait has to be looked at, in milliseconds since the epoch. */
  async nextWake(): Promise<number | undefined> {
    const next = { _type: 'wait', wake_at: { $exists: true } };
    const first = await this.#database.query<WaitDocument>(next).sort({ wake_at: 1 }).first();
    return first?.wake_at === undefined ? undefined : Date.parse(first.wake_at);
  }

  /** Removes events and kept outputs whose time is over. */
  async forgetExpired(): Promise<void> {
    const until = { $lte: isoTime(this.#now()) };
    for (const _type of ['event', 'cache']) {
      await this.#database.remove({ _type, expires_at: until }, { many: true });
    }
  }

  async #deliver(wait: string, event: string): Promise<boolean> {
    const root = await this.#database.submit((draft) => deliver(draft, wait, event));
    if (root !== undefined) this.#wake(root);
    return root !== undefined;
  }

  /** A run meets what is meant for all once, however often it waits for it. */
  async #met({ run }: WaitDocument, { _id: event }: EventDocument): Promise<boolean> {
    return (await this.#database.query({ _type: 'wait', run, event }).count()) > 0;
  }

  #fits(wait: WaitDocument, event: EventDocument): boolean {
    if (Date.parse(event.expires_at) <= this.#now()) return false;
    using snapshot = this.#database.snapshot();
    try {
      check(
        wait,
        loadValue(event, 'value', (id) => snapshot.get(id)),
      );
      return true;
    } catch (error) {
      if (isJdbxError(error, 'SCHEMA_VIOLATION')) return false;
      throw error;
    }
  }

  async #open(run: string, name: string): Promise<WaitDocument[]> {
    return this.#database.query<WaitDocument>({
      _type: 'wait',
      run,
      status: 'open',
      kind: 'signal',
      name,
    });
  }
}

function check({ schema, path }: WaitDocument, value: Value): void {
  if (schema !== undefined)
    checkValue(value, schema as Value, 'SCHEMA_VIOLATION', `what ${path} takes`);
}

function refuseKind({ _id, kind, run: of }: WaitDocument, run: string): never {
  const what =
    of === run ? `it waits for ${kind === 'time' ? 'a time' : `an ${kind}`}` : `it is of ${of}`;
  throw new JdbxError(
    'WAIT_MISSING',
    `expected a wait of ${run} for an answer, got ${_id}: ${what}`,
  );
}

function refuseEnded(run: RunDocument | undefined, id: string): void {
  if (run?._type !== 'run') {
    throw new JdbxError('MISSING_DOCUMENT', `expected the run ${id}`, { details: { id } });
  }
  if (!ENDED.includes(run.status)) return;
  throw new JdbxError('RUN_ENDED', `expected ${id} to go on, it is ${run.status}`, {
    details: { run: id, status: run.status },
  });
}
