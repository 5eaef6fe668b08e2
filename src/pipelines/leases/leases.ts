import type { Database } from '../../documents/database.js';
import type { Draft } from '../../documents/draft.js';
import type { Heartbeat } from '../../storage/contract.js';
import { auditAll } from '../commit-stage.js';
import { type ExecutorDocument, insertExecutor } from './executor-document.js';
import { HeartWatch } from './heart-watch.js';

/** Looks in the time of a lease, and the part of it after which a still heart is given up. */
const LOOKS = 8;
const LEASE_MS_MIN = 100;
const LEASE_MS_MAX = 3_600_000;
const STILL_PART = 0.75;

export interface LeasesDeps {
  readonly database: Database;
  /** Names this process. */
  readonly process: string;
  /** The time after which another process takes up what a stopped one has, in milliseconds. */
  readonly leaseMs: number;
}

/** What happens to leases, for those who have to act on it. */
export interface LeaseListener {
  /** This process was given up by another one while it was stopped: its runs are no more its own. */
  onLost(owner: string): void;
  /** After each look; `isNews` when somebody has gone, whose runs may be nobody's now. */
  onLook(isNews: boolean): void;
}

/**
 * The lease of this process for its runs, and the look at those of others. A lease is one
 * document for any number of runs and costs a commit when it begins and one when it ends;
 * meanwhile heartbeats go through the page that all openers of a store share.
 */
export class Leases {
  readonly #deps: LeasesDeps;
  readonly #watch: HeartWatch;
  readonly #everyMs: number;
  #listener: LeaseListener | undefined;
  #own: ExecutorDocument | undefined;
  /** True once the own lease was found in the store. */
  #isHeld = false;
  /** Looks in which the own lease was not found. */
  #missing = 0;
  #hasDuties = false;
  #attends = false;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #looking: Promise<void> | undefined;
  #places = '';
  #atWork: readonly Heartbeat[] = [];

  constructor(deps: LeasesDeps) {
    const { leaseMs } = deps;
    if (!(leaseMs >= LEASE_MS_MIN && leaseMs <= LEASE_MS_MAX)) {
      const range = `${LEASE_MS_MIN} to ${LEASE_MS_MAX}`;
      throw new RangeError(`leaseMs: expected milliseconds from ${range}, got ${String(leaseMs)}`);
    }
    this.#deps = deps;
    this.#watch = new HeartWatch(deps.leaseMs * STILL_PART);
    this.#everyMs = deps.leaseMs / LOOKS;
  }

  listen(listener: LeaseListener): void {
    this.#listener = listener;
  }

  /** The owner for runs that this commit begins or takes up; with it comes a lease if there is none. */
  own(draft: Draft): string {
    const { process: name } = this.#deps;
    const held = this.#own && (draft.get(this.#own._id) as ExecutorDocument | undefined);
    if (held?.process === name) return held._id;
    this.#own = insertExecutor(draft, name, process.pid);
    this.#isHeld = false;
    // Before the commit, which others see at once: they must not take it for one of the dead.
    this.#beat();
    this.#start();
    return this.#own._id;
  }

  /** The own lease as far as it is known: a commit that goes by it asks for it again. */
  get held(): string | undefined {
    return this.#own?._id;
  }

  isOwn(owner: string | undefined): boolean {
    return owner !== undefined && owner === this.#own?._id;
  }

  /** True when a run of this owner is under way in another process, for all that is known. */
  isElsewhere(owner: string | undefined): boolean {
    if (owner === undefined || this.isOwn(owner)) return false;
    const view = this.#deps.database.view();
    try {
      return isOthers(view.get(owner) as ExecutorDocument | undefined, this.#deps.process);
    } finally {
      view.close();
    }
  }

  /** The same, in a commit in the making. */
  isElsewhereIn(draft: Draft, owner: string | undefined): boolean {
    if (owner === undefined) return false;
    return isOthers(draft.get(owner) as ExecutorDocument | undefined, this.#deps.process);
  }

  /** Takes up what others leave, from now on. Ends the leases of the dead before it returns. */
  async begin(): Promise<void> {
    this.#hasDuties = true;
    this.#beat();
    await this.attend();
  }

  /** Ends the leases of the dead and the stopped, from now on. */
  async attend(): Promise<void> {
    this.#attends = true;
    this.#start();
    await this.look();
  }

  /** True for one process at a time, as a rule: it does what would otherwise be done by each. */
  get leads(): boolean {
    const place = this.#deps.database.others?.place ?? 0;
    return this.#atWork.every((other) => !other.hasDuties || other.place > place);
  }

  /** One look at the others; those whose lease is over lose it. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  /** Gives the own lease back, so that others go on at once with what is left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#looking?.catch(() => {});
    const own = this.#own;
    if (!own) return;
    this.#own = undefined;
    // On a disk without room the lease ends with this process, as it does after a crash.
    await this.#deps.database.submit((draft) => draft.remove(own._id)).catch(() => {});
  }

  #start(): void {
    if (this.#timer || !this.#deps.database.others) return;
    this.#lookedAt = performance.now();
    this.#timer = setInterval(() => {
      this.#beat();
      // A store that cannot be written now is looked at again later.
      this.look().catch(() => {});
    }, this.#everyMs);
    this.#timer.unref();
  }

  #beat(): void {
    this.#deps.database.others?.beat(this.#own?.token ?? 0, this.#hasDuties);
  }

  async #look(): Promise<void> {
    const others = this.#deps.database.others;
    const now = performance.now();
    const passedMs = Math.min(now - this.#lookedAt, 2 * this.#everyMs);
    this.#lookedAt = now;
    const beats = others?.heartbeats() ?? [];
    this.#atWork = this.#watch.look(beats, passedMs);
    this.#checkOwn();
    const places = beats.map(({ place, token }) => `${place}:${token}`).join();
    const hasGone = places !== this.#places;
    this.#places = places;
    const ended = this.#attends ? await this.#endLost() : 0;
    this.#listener?.onLook(hasGone || ended > 0);
  }

  /** Finds out whether another process has ended the own lease. */
  #checkOwn(): void {
    const own = this.#own;
    if (!own) return;
    const view = this.#deps.database.view();
    const found = view.get(own._id) as ExecutorDocument | undefined;
    view.close();
    if (found?.process === this.#deps.process) {
      this.#isHeld = true;
      this.#missing = 0;
    } else if (this.#isHeld || ++this.#missing > LOOKS) {
      this.#own = undefined;
      this.#isHeld = false;
      this.#beat();
      this.#listener?.onLost(own._id);
    }
  }

  /** Ends the leases of all who are dead or stopped. From this commit on none of theirs is taken. */
  async #endLost(): Promise<number> {
    const { database, process: name } = this.#deps;
    const living = new Set(this.#atWork.map(({ token }) => token));
    const leases = await database.query<ExecutorDocument>({ _type: 'executor' }).toArray();
    const lost = leases.filter((each) => isOthers(each, name) && !living.has(each.token));
    if (lost.length === 0) return 0;
    await database.submit((draft) => {
      for (const { _id, token } of lost) {
        if (!draft.remove(_id)) continue;
        auditAll(draft, [{ kind: 'lease-end', executor: _id, token }]);
      }
    });
    return lost.length;
  }
}

function isOthers(found: ExecutorDocument | undefined, name: string): boolean {
  return found?._type === 'executor' && found.process !== name;
}
