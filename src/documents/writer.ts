import { JdbxError } from '../base/errors.js';
import { Batch } from './batch.js';
import type { Draft } from './draft.js';
import type { Store } from './store.js';

/** A batch takes no further plan once it holds this many changes. */
const BATCH_CHANGES_MAX = 5_000;

interface Task {
  run(draft: Draft): void;
  /** After the commit is durable. */
  settle(): void;
  fail(error: unknown): void;
}

/**
 * The one write road. Plans that wait together are run one after the other,
 * each against what the ones before it wrote, and made durable in one step
 * (group commit). A plan that throws fails alone; a commit that the engine
 * refuses fails every plan in it, and leaves documents and indexes as they were.
 */
export class Writer {
  readonly #store: Store;
  readonly #queue: Task[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Runs `plan` in its turn and resolves with its result when what it wrote is durable. */
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

  /** Lets what was submitted finish, and refuses what comes later. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // Everyone who submits in this turn of the event loop shares the first commit.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#commitNext();
    this.#draining = undefined;
  }

  async #commitNext(): Promise<void> {
    const batch = new Batch(this.#store);
    const taken: Task[] = [];
    try {
      while (this.#queue[0] && batch.size < BATCH_CHANGES_MAX) {
        const task = this.#queue[0];
        const outcome = this.#plan(batch, task);
        if (outcome === 'later') break;
        this.#queue.shift();
        if (outcome === 'planned') taken.push(task);
        if (batch.isAlone) break;
      }
      await batch.commit();
    } catch (error) {
      batch.revert();
      for (const task of taken) task.fail(error);
      return;
    } finally {
      batch.close();
    }
    for (const task of taken) task.settle();
  }

  /** A plan that changes definitions is committed alone: those after it must see the new ones. */
  #plan(batch: Batch, task: Task): 'planned' | 'failed' | 'later' {
    try {
      const draft = batch.draft();
      task.run(draft);
      if (draft.definitions.length > 0 && batch.size > 0) return 'later';
      batch.stage(draft);
      return 'planned';
    } catch (error) {
      task.fail(error);
      return 'failed';
    }
  }
}
