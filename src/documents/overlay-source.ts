import type { Document } from '../base/document.js';
import { encodeKey } from '../base/key-bytes.js';
import type { DocumentRef, OrderedIndex } from '../indexes/contract.js';
import type { PlannableIndex, QuerySource } from '../query/contract.js';
import { indexKeys } from '../query/index-keys.js';
import { OverlayIndex } from './overlay-index.js';

/** What a transaction wrote, by id: undefined where it removed. */
export type Overlay = ReadonlyMap<string, Document | undefined>;

/** Documents that are new in a transaction get refs from the top; the store counts from the bottom. */
const REF_TOP = 0xffff_ffff;

/**
 * A snapshot together with a transaction's own writes, as one source: plans and
 * their execution know nothing of the difference.
 */
export class OverlaySource implements QuerySource {
  readonly #base: QuerySource;
  readonly #refs = new Map<string, DocumentRef>();
  readonly #documents = new Map<DocumentRef, Document | undefined>();

  constructor(base: QuerySource, overlay: Overlay) {
    this.#base = base;
    let fresh = REF_TOP;
    for (const [id, document] of overlay) {
      const ref = base.refOf(id) ?? fresh--;
      this.#refs.set(id, ref);
      this.#documents.set(ref, document);
    }
  }

  get seq(): number {
    return this.#base.seq;
  }

  get typeIndex(): OrderedIndex {
    const keys = ({ _type, _id }: Document) => [encodeKey([_type, _id])];
    return this.#overlaid(this.#base.typeIndex, keys);
  }

  indexesOf(type: string): readonly PlannableIndex[] {
    return this.#base.indexesOf(type).map(({ definition, index, multikey }) => {
      let several = multikey;
      const overlaid = this.#overlaid(index, (document) => {
        if (document._type !== type) return [];
        const found = indexKeys(definition, document);
        several ||= found.multikey;
        return found.keys;
      });
      return { definition, index: overlaid, multikey: several };
    });
  }

  load(ref: DocumentRef): Document | undefined {
    return this.#documents.has(ref)
      ? this.#documents.get(ref)
      : (this.#base.load(ref) as Document | undefined);
  }

  refOf(id: string): DocumentRef | undefined {
    return this.#refs.get(id) ?? this.#base.refOf(id);
  }

  resolveTypes(type: string): readonly string[] {
    return this.#base.resolveTypes(type);
  }

  #overlaid(
    index: OrderedIndex,
    keysOf: (document: Document) => readonly Uint8Array[],
  ): OrderedIndex {
    const own = [...this.#documents].flatMap(([ref, document]) =>
      document ? keysOf(document).map((key) => ({ key, ref })) : [],
    );
    return new OverlayIndex(index, new Set(this.#documents.keys()), own);
  }
}

/** The same source without the documents that `visible` leaves out, by their type. */
export function guardSource(source: QuerySource, visible: (type: string) => boolean): QuerySource {
  return {
    seq: source.seq,
    typeIndex: source.typeIndex,
    indexesOf: (type) => source.indexesOf(type),
    refOf: (id) => source.refOf(id),
    resolveTypes: (type) => source.resolveTypes(type),
    load: (ref) => {
      const document = source.load(ref);
      return document && visible(document._type) ? document : undefined;
    },
  };
}
