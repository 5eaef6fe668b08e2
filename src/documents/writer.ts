import { JdbxError } from '../base/errors.js';
import { Batch } from './batch.js';
import type { Draft } from './draft.js';
import type { Store } from './store.js';

/** A batch takes no further plan once it holds this much. */
const BATCH_CHANGES_MAX = 5_000;
const BATCH_BYTES_MAX = 32 * 2 ** 20;

interface Task {
  run(draft: Draft): void;
  /** After the commit is durable. */
  settle(): void;
  fail(error: unknown): void;
}

/** A plan that threw, or whose draft could not be taken in. */
interface Refusal {
  readonly task: Task;
  readonly error: unknown;
}

/**
 * The one write road. Plans that wait together are run one after the other,
 * each against what the ones before it wrote, and made durable in one step
 * (group commit). A plan that throws fails alone; a commit that the engine
 * refuses fails every plan in it, and leaves documents and indexes as they were.
 *
 * Nobody hears of a batch before it is durable, not even those whom it refused:
 * what they were refused for might never come to be. Then their plans run again.
 */
export class Writer {
  readonly #store: Store;
  readonly #queue: Task[] = [];
  readonly #interludes: (() => Promise<void>)[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Runs `plan` in its turn and resolves with its result when what it wrote is durable.
   * A plan may be run more than once before that; only its last draft counts.
   */
  submit<T>(plan: (draft: Draft) => T): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new JdbxError('STORE_CLOSED', 'expected the store to be open'));
    }
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#queue.push({
        run: (draft) => {
          result = plan(draft);
        },
        settle: () => resolve(result),
        fail: reject,
      });
      this.#draining ??= this.#drain();
    });
  }

  /** Runs `work` between two batches. What is submitted meanwhile waits for it. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new JdbxError('STORE_CLOSED', 'expected the store to be open'));
    }
    return new Promise<T>((resolve, reject) => {
      this.#interludes.push(() => work().then(resolve, reject));
      this.#draining ??= this.#drain();
    });
  }

  /** Plans that wait, or whose commit is under way. */
  get isBusy(): boolean {
    return this.#draining !== undefined;
  }

  /** Lets what was submitted finish, and refuses what comes later. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // Everyone who submits in this turn of the event loop shares the first commit.
    await Promise.resolve();
    for (;;) {
      const interlude = this.#interludes.shift();
      if (interlude) await interlude();
      else if (this.#queue.length > 0) await this.#commitNext();
      else break;
    }
    this.#draining = undefined;
  }

  async #commitNext(): Promise<void> {
    try {
      const waiting = this.#store.lock();
      if (waiting) await waiting;
    } catch (error) {
      for (const task of this.#queue.splice(0)) task.fail(error);
      return;
    }
    try {
      await this.#commitLocked();
    } finally {
      this.#store.unlock();
    }
  }

  /** Others cannot commit meanwhile, so what plans see here is the newest there is. */
  async #commitLocked(): Promise<void> {
    const batch = new Batch(this.#store);
    const planned: Task[] = [];
    const refused: Refusal[] = [];
    try {
      this.#fill(batch, planned, refused);
      await batch.commit();
      for (const task of planned) task.settle();
      for (const { task, error } of refused) task.fail(error);
    } catch (error) {
      batch.revert();
      for (const task of planned) task.fail(error);
      this.#queue.unshift(...refused.map(({ task }) => task));
    } finally {
      batch.close();
    }
  }

  /** Plans in turn, until the batch is full or holds a change of definitions. */
  #fill(batch: Batch, planned: Task[], refused: Refusal[]): void {
    while (batch.size < BATCH_CHANGES_MAX && batch.bytes < BATCH_BYTES_MAX && !batch.isAlone) {
      const task = this.#queue[0];
      if (!task) return;
      try {
        const draft = batch.draft();
        task.run(draft);
        // Plans after a change of definitions must see the new ones, so it is committed alone.
        if (draft.definitions.length > 0 && batch.size > 0) return;
        batch.stage(draft);
        planned.push(task);
      } catch (error) {
        refused.push({ task, error });
      }
      this.#queue.shift();
    }
  }
}
