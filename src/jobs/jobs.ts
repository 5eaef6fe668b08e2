import type { Clock } from '../base/clock.js';
import type { ChangeEvent } from '../documents/contract.js';
import type { Database } from '../documents/database.js';
import type { Leases } from '../pipelines/leases/leases.js';
import type { Post } from '../pipelines/waits/post.js';
import { AlarmClock } from './alarm-clock.js';
import { Schedules, type StartRun } from './schedules.js';

/** How often what has expired is removed, in milliseconds. */
const TIDY_EVERY_MS = 60_000;

export interface JobsDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly post: Post;
  readonly leases: Leases;
  /** Goes on with unfinished runs that no process has under way. */
  readonly takeUp: () => Promise<readonly string[]>;
  readonly start: StartRun;
}

/** What happens by itself when its time has come: waits end, schedules start runs, leftovers go. */
export class Jobs {
  readonly #deps: JobsDeps;
  readonly #waits: AlarmClock;
  readonly #times: AlarmClock;
  readonly #schedules: Schedules;
  #stop: (() => void) | undefined;
  #tidied = 0;
  #leads = false;
  /** True when runs may be left that nobody has under way. */
  #isLeft = false;

  constructor(deps: JobsDeps) {
    this.#deps = deps;
    this.#schedules = new Schedules(deps.database, deps.clock, deps.start);
    this.#waits = new AlarmClock(deps.clock, () => this.#wake());
    this.#times = new AlarmClock(deps.clock, () => this.#follow());
  }

  /** A wait has to be looked at, at this time in milliseconds since the epoch. */
  expect = (atMs: number): void => {
    if (this.#stop) this.#waits.expect(atMs);
  };

  /** A run has ended: a schedule may wait for that. */
  runEnded(): void {
    if (this.#stop && this.#schedules.isQueueing) this.#times.expect(0);
  }

  /** Looks at what is due, now and from now on. */
  begin(): void {
    if (!this.#stop) this.#listen();
    this.#waits.expect(0);
    this.#times.expect(0);
  }

  #listen(): void {
    const abort = new AbortController();
    this.#stop = () => abort.abort();
    const types = { $in: ['schedule', 'executor'] };
    const changes = this.#deps.database.watch({ _type: types }, { signal: abort.signal });
    this.#watch(changes).catch(() => {});
  }

  async close(): Promise<void> {
    this.#stop?.();
    await Promise.all([this.#waits.close(), this.#times.close()]);
  }

  /**
   * A look at the other processes is over. With `isNews` one of them has gone: its runs are
   * taken up, and its waits and schedules from now on looked after here.
   */
  look(isNews: boolean): void {
    if (!this.#stop) return;
    if (isNews || this.#isLeft) this.#takeUp();
    if (this.#deps.leases.leads !== this.#leads) this.#times.expect(0);
    // Others may have opened waits, and be gone when their time comes.
    this.#deps.post.nextWake().then(
      (atMs) => atMs !== undefined && this.expect(atMs),
      () => {},
    );
  }

  #takeUp(): void {
    // What is found is looked at again: the store may not be writable now.
    this.#isLeft = true;
    this.#deps.takeUp().then(
      (ids) => {
        this.#isLeft = ids.length > 0;
      },
      () => {},
    );
  }

  /** One process follows the schedules; who begins to, looks at once at what is due. */
  async #follow(): Promise<number | undefined> {
    this.#leads = this.#deps.leases.leads;
    return this.#leads ? this.#schedules.followAll() : undefined;
  }

  async #watch(changes: AsyncIterable<ChangeEvent>): Promise<void> {
    for await (const { id, kind } of changes) {
      if (!id.startsWith('executor:')) this.#times.expect(0);
      else if (kind === 'remove') this.#takeUp();
    }
  }

  async #wake(): Promise<number | undefined> {
    const { post, clock } = this.#deps;
    if (clock.now() - this.#tidied >= TIDY_EVERY_MS) {
      this.#tidied = clock.now();
      await post.forgetExpired();
    }
    return post.wakeDue();
  }
}
