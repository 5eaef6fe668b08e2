import { isJdbxError, JdbxError } from '../base/errors.js';
import { Batch } from './batch.js';
import { CommitDeferred, DEFERRALS_MAX } from './commit-rules.js';
import type { Draft } from './draft.js';
import type { Store } from './store.js';

/** A batch takes no further plan once it holds this much. */
const BATCH_CHANGES_MAX = 5_000;
const BATCH_BYTES_MAX = 32 * 2 ** 20;

/** A plan that waits for its turn, and who waits for it. */
class Task<T = unknown> {
  #result: T | undefined;

  constructor(
    readonly plan: (draft: Draft) => T,
    /** 1, 2, 3 … as they were submitted. */
    readonly number: number,
    readonly resolve: (result: T) => void,
    readonly reject: (error: unknown) => void,
    /** How often it may be put off yet. */
    readonly deferrals: number,
  ) {}

  run(draft: Draft): void {
    this.#result = this.plan(draft);
  }

  /** After the commit is durable. */
  settle(): void {
    this.resolve(this.#result as T);
  }
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
  #submitted = 0;
  /** So many of the plans that wait go one by one. */
  #singly = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Runs `plan` in its turn and resolves with its result when what it wrote is durable.
   * A plan may be run more than once before that; only its last draft counts.
   *
   * @param deferrals how often a rule may put it off
   */
  submit<T>(plan: (draft: Draft) => T, deferrals = DEFERRALS_MAX): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new JdbxError('STORE_CLOSED', 'expected the store to be open'));
    }
    return new Promise<T>((resolve, reject) => {
      const task = new Task(plan, ++this.#submitted, resolve, reject, deferrals);
      this.#queue.push(task as Task);
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

  /** A plan that a rule put off runs again when what the rule waits for is done. */
  #fail(task: Task, error: unknown): void {
    const { plan, deferrals, resolve, reject } = task;
    if (!(error instanceof CommitDeferred) || deferrals === 0) {
      reject(error);
      return;
    }
    error
      .settle()
      .then(() => this.submit(plan, deferrals - 1))
      .then(resolve, reject);
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
      for (const task of this.#queue.splice(0)) this.#fail(task, error);
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
      if (this.#singly > 0) this.#singly--;
      await batch.commit();
      for (const task of planned) task.settle();
      for (const { task, error } of refused) this.#fail(task, error);
    } catch (error) {
      batch.revert();
      const again = this.#planAgain(error, planned, refused);
      this.#queue.unshift(...again);
    } finally {
      batch.close();
    }
  }

  /**
   * Which plans run again after their batch failed: those that it refused, and all of them,
   * one by one, when an index had no memory for what they write together.
   */
  #planAgain(error: unknown, planned: readonly Task[], refused: readonly Refusal[]): Task[] {
    const isShared = planned.length > 1 && isJdbxError(error, 'INDEX_FULL');
    if (!isShared) for (const task of planned) this.#fail(task, error);
    const again = [...(isShared ? planned : []), ...refused.map(({ task }) => task)];
    if (isShared) this.#singly = again.length;
    return again.sort((left, right) => left.number - right.number);
  }

  /** Plans in turn, until the batch is full or holds a change of definitions. */
  #fill(batch: Batch, planned: Task[], refused: Refusal[]): void {
    while (batch.size < BATCH_CHANGES_MAX && batch.bytes < BATCH_BYTES_MAX && !batch.isAlone) {
      const task = this.#queue[0];
      if (!task || (this.#singly > 0 && planned.length + refused.length > 0)) return;
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
