import type { Clock } from '../base/clock.js';
import type { Database } from '../documents/database.js';
import type { Post } from '../pipelines/waits/post.js';
import { AlarmClock } from './alarm-clock.js';
import { Schedules, type StartRun } from './schedules.js';

/** How often what has expired is removed, in milliseconds. */
const TIDY_EVERY_MS = 60_000;

export interface JobsDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly post: Post;
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

  constructor(deps: JobsDeps) {
    this.#deps = deps;
    this.#schedules = new Schedules(deps.database, deps.clock, deps.start);
    this.#waits = new AlarmClock(deps.clock, () => this.#wake());
    this.#times = new AlarmClock(deps.clock, () => this.#schedules.followAll());
  }

  /** A wait has to be looked at, at this time in milliseconds since the epoch. */
  expect = (atMs: number): void => {
    if (this.#stop) this.#waits.expect(atMs);
  };

  /** A run has ended: a schedule may wait for that. */
  runEnded(): void {
    if (this.#stop && this.#schedules.isQueueing) this.#times.expect(0);
  }

  /** Begins to look at what is due, now and from now on. */
  begin(): void {
    if (this.#stop) return;
    const { database } = this.#deps;
    const abort = new AbortController();
    this.#stop = () => abort.abort();
    const changes = database.watch({ _type: 'schedule' }, { signal: abort.signal });
    this.#watch(changes).catch(() => {});
    this.#waits.expect(0);
    this.#times.expect(0);
  }

  async close(): Promise<void> {
    this.#stop?.();
    await Promise.all([this.#waits.close(), this.#times.close()]);
  }

  async #watch(changes: AsyncIterable<unknown>): Promise<void> {
    for await (const _ of changes) this.#times.expect(0);
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
