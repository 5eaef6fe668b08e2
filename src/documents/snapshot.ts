import type { Document } from '../base/document.js';
import type { Filter, Query } from './contract.js';
import { countDocuments, explainQuery, findDocuments, runAggregate } from './querying.js';
import type { View } from './view.js';

export type ReadOptions = Omit<Query, 'filter'>;

/**
 * A synchronous, consistent read view of the store as of `seq`. It holds pages of
 * the store until it is closed; use it with `using`, or call `close`.
 */
export class Snapshot implements Disposable {
  readonly #view: View;
  readonly #nowMs: number;

  constructor(view: View, nowMs: number) {
    this.#view = view;
    this.#nowMs = nowMs;
  }

  /** The commit that the snapshot shows. */
  get seq(): number {
    return this.#view.seq;
  }

  get<T = Document>(id: string): T | undefined {
    return this.#view.get(id) as T | undefined;
  }

  getMany<T = Document>(ids: readonly string[]): (T | undefined)[] {
    return ids.map((id) => this.get<T>(id));
  }

  query<T = Document>(filter: Filter = {}, options: ReadOptions = {}): T[] {
    return findDocuments(this.#view, { ...options, filter }) as T[];
  }

  count(filter: Filter = {}): number {
    return countDocuments(this.#view, { filter });
  }

  aggregate<T = Filter>(stages: readonly Filter[]): T[] {
    return runAggregate(this.#view, stages, this.#nowMs) as T[];
  }

  explain(filter: Filter = {}, options: ReadOptions = {}): Filter {
    return explainQuery(this.#view, { ...options, filter });
  }

  close(): void {
    this.#view.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
