import type { Document } from '../../base/document.js';
import type { Draft } from '../../documents/draft.js';
import { takeMade } from '../../documents/take-document.js';
import { FRESH, type ResourceState } from './resource-state.js';

/** Where the states of resources are read and written: in a commit in the making, or in memory. */
export interface StateTable {
  /** Milliseconds since the epoch. */
  readonly at: number;
  read(pool: string, resource: string): ResourceState;
  write(pool: string, resource: string, state: ResourceState): void;
}

/** The states as documents of one commit. */
export function stateTableOf(draft: Draft): StateTable {
  return {
    at: draft.at,
    read: (pool, resource) => stateFrom(draft.get(stateId(pool, resource))),
    write(pool, resource, state) {
      const names = { _id: stateId(pool, resource), _type: 'pool_state', pool, resource };
      const written_at = draft.at;
      draft.put(takeMade({ ...names, written_at, ...state }));
    },
  };
}

/** What a document says of a resource; without one nothing was ever asked of it. */
export function stateFrom(document: Document | undefined): ResourceState {
  const { _id, _type, _rev, pool, resource, written_at, ...state } = document ?? ({} as Document);
  return { ...FRESH, ...state };
}

export function stateId(pool: string, resource: string): string {
  return `pool_state:${pool}/${resource}`;
}
