import type { Document } from '../../base/document.js';
import type { Draft } from '../../documents/draft.js';
import { onlyOf, type ResourceState } from './resource-state.js';
import { type StateTable, stateFrom, stateId, stateTableOf } from './state-table.js';

interface Held {
  readonly pool: string;
  readonly resource: string;
  readonly state: ResourceState;
  /** False once a commit in the making, or a durable one, says the same. */
  isNews: boolean;
}

/**
 * The states of resources while one process alone counts. What they say goes into documents
 * now and then, and whole when the process lets go.
 */
export class MemoryStates implements StateTable {
  readonly #get: (id: string) => Document | undefined;
  readonly #now: () => number;
  readonly #owner: string;
  /** By pool, then by resource: an id of both would be put together four times a call. */
  readonly #pools = new Map<string, Map<string, Held>>();

  constructor(get: (id: string) => Document | undefined, now: () => number, owner: string) {
    this.#get = get;
    this.#now = now;
    this.#owner = owner;
  }

  get at(): number {
    return this.#now();
  }

  /** True when something is not in documents yet. */
  get hasNews(): boolean {
    return this.#held().some(({ isNews }) => isNews);
  }

  read(pool: string, resource: string): ResourceState {
    const held = this.#pools.get(pool)?.get(resource);
    if (held) return held.state;
    // Nobody else is here: what others had under way died with them.
    const state = onlyOf(stateFrom(this.#get(stateId(pool, resource))), this.#owner);
    this.#hold({ pool, resource, state, isNews: false });
    return state;
  }

  write(pool: string, resource: string, state: ResourceState): void {
    this.#hold({ pool, resource, state, isNews: true });
  }

  /** Puts what is new into a commit; `undo` makes it new again when that was not to be. */
  into(draft: Draft): () => void {
    const table = stateTableOf(draft);
    const news = this.#held().filter(({ isNews }) => isNews);
    for (const held of news) {
      table.write(held.pool, held.resource, held.state);
      held.isNews = false;
    }
    return () => {
      for (const held of news) held.isNews = true;
    };
  }

  clear(): void {
    this.#pools.clear();
  }

  #held(): Held[] {
    return [...this.#pools.values()].flatMap((resources) => [...resources.values()]);
  }

  #hold(held: Held): void {
    const resources = this.#pools.get(held.pool) ?? new Map<string, Held>();
    this.#pools.set(held.pool, resources.set(held.resource, held));
  }
}
