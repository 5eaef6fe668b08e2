import type { Document } from '../base/document.js';
import type { Filter, Query } from './contract.js';

/** Runs a described read. The database and a transaction each hand in their own. */
export interface QueryRunner {
  find(query: Query): Promise<Document[]>;
  count(query: Query): Promise<number>;
  explain(query: Query): Promise<Filter>;
  iterate(query: Query): AsyncIterable<Document>;
}

/**
 * A read that has been described and not yet run. Each method that refines it
 * gives a new cursor; `await cursor` is the same as `await cursor.toArray()`.
 */
export class Cursor<T = Document> implements AsyncIterable<T>, PromiseLike<T[]> {
  readonly #runner: QueryRunner;
  readonly #query: Query;

  constructor(runner: QueryRunner, query: Query) {
    this.#runner = runner;
    this.#query = query;
  }

  /** Every document that a filter finds. */
  static over<T>(runner: QueryRunner, filter: Filter): Cursor<T> {
    return new Cursor<T>(runner, {
      filter,
      sort: undefined,
      skip: undefined,
      limit: undefined,
      projection: undefined,
    });
  }

  /** `{ created_at: -1, _id: 1 }`, the weightiest field first. */
  sort(sort: { readonly [path: string]: 1 | -1 }): Cursor<T> {
    const { filter, skip, limit, projection } = this.#query;
    return this.#by({ filter, sort, skip, limit, projection });
  }

  skip(skip: number): Cursor<T> {
    const { filter, sort, limit, projection } = this.#query;
    return this.#by({ filter, sort, skip: checkCount(skip, 'skip'), limit, projection });
  }

  limit(limit: number): Cursor<T> {
    const { filter, sort, skip, projection } = this.#query;
    return this.#by({ filter, sort, skip, limit: checkCount(limit, 'limit'), projection });
  }

  project<P = T>(projection: Filter): Cursor<P> {
    const { filter, sort, skip, limit } = this.#query;
    return this.#by({ filter, sort, skip, limit, projection }) as unknown as Cursor<P>;
  }

  async first(): Promise<T | undefined> {
    const [first] = await this.limit(1).toArray();
    return first;
  }

  toArray(): Promise<T[]> {
    return this.#runner.find(this.#query) as Promise<T[]>;
  }

  /** How many documents the cursor would give, `skip` and `limit` included. */
  count(): Promise<number> {
    return this.#runner.count(this.#query);
  }

  /** Runs the query and says how: the indexes, their bounds, what was examined, the time. */
  explain(): Promise<Filter> {
    return this.#runner.explain(this.#query);
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return (this.#runner.iterate(this.#query) as AsyncIterable<T>)[Symbol.asyncIterator]();
  }

  // biome-ignore lint/suspicious/noThenProperty: a cursor may be awaited, as in every MongoDB-like API
  then<R1 = T[], R2 = never>(
    onFulfilled?: ((documents: T[]) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    return this.toArray().then(onFulfilled, onRejected);
  }

  /** Queries are written out with all their parts: objects of one form are read faster. */
  #by(query: Query): Cursor<T> {
    return new Cursor<T>(this.#runner, query);
  }
}

function checkCount(count: number, name: string): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new TypeError(`${name}: expected a whole number from 0 on, got ${String(count)}`);
}
