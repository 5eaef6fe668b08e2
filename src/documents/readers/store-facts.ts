import type { OrderedIndex } from '../../indexes/contract.js';
import { shareIndex } from '../../indexes/native.js';
import type { IndexDefinition } from '../../query/contract.js';
import type { Catalog } from '../catalog.js';
import type { IndexSet } from '../index-set.js';
import type { Refs } from '../refs.js';

/** What a reader in another thread of the process has to know of an open store, as data. */
export interface StoreFacts {
  /** Handles of native indexes, see `indexes/native.ts`. */
  readonly typeIndex: number;
  readonly indexes: readonly IndexFacts[];
  /** What the catalog says of types that include others. */
  readonly includes: ReadonlyMap<string, readonly string[]>;
}

export interface IndexFacts {
  readonly handle: number;
  readonly definition: IndexDefinition;
  readonly multikey: boolean;
  readonly since: number;
}

export interface NumberedFacts {
  readonly number: number;
  readonly facts: StoreFacts;
}

/** Refs whose ids are asked for together. */
export const ID_PAGE = 512;

/** The part of a store that is told of. */
export interface ToldStore {
  readonly indexes: IndexSet;
  readonly refs: Refs;
  readonly catalog: Catalog;
}

/** Tells readers in other threads what changed: rarely anything, so that little has to cross. */
export class FactsTeller {
  readonly #store: ToldStore;
  readonly #handles = new WeakMap<OrderedIndex, number>();
  #told: NumberedFacts | undefined;
  #catalog: Catalog | undefined;

  constructor(store: ToldStore) {
    this.#store = store;
  }

  /** The facts as they are now; their number rises when they change. */
  current(): NumberedFacts {
    const { catalog } = this.#store;
    const indexes = [...this.#store.indexes.all()];
    const told = this.#told;
    const isSame =
      told !== undefined &&
      this.#catalog === catalog &&
      told.facts.indexes.length === indexes.length &&
      indexes.every(({ index, multikey }, at) => {
        const known = told.facts.indexes[at];
        return known?.handle === this.#handleOf(index) && known.multikey === multikey;
      });
    if (isSame) return told;
    this.#catalog = catalog;
    this.#told = { number: (told?.number ?? 0) + 1, facts: this.#tell() };
    return this.#told;
  }

  /** The ids of a page of refs: null where none lives, as far as is known here. */
  idsOn(page: number): (string | null)[] {
    const first = page * ID_PAGE;
    const { refs } = this.#store;
    return Array.from({ length: ID_PAGE }, (_, at) => refs.idOf(first + at) ?? null);
  }

  #tell(): StoreFacts {
    const { indexes, catalog } = this.#store;
    return {
      typeIndex: this.#handleOf(indexes.typeIndex),
      indexes: [...indexes.all()].map(({ index, definition, multikey, since }) => ({
        handle: this.#handleOf(index),
        definition,
        multikey,
        since,
      })),
      includes: catalog.includes,
    };
  }

  #handleOf(index: OrderedIndex): number {
    const known = this.#handles.get(index);
    if (known !== undefined) return known;
    const handle = shareIndex(index);
    this.#handles.set(index, handle);
    return handle;
  }
}
