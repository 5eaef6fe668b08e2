import type { ValueObject } from '../base/values.js';
import type { DocumentRef, OrderedIndex } from '../indexes/contract.js';
import type { Collation } from './index-kinds/collation.js';
import type { Wildcard } from './index-kinds/wildcard.js';

/** A stored document as a query sees it: deeply frozen, with its identity. */
export interface DocumentBody extends ValueObject {
  readonly _id: string;
  readonly _type: string;
}

/** A compiled projection. */
export type Project = (document: DocumentBody) => ValueObject;

/** What an index document asks for, checked. */
export interface IndexDefinition {
  /** The `_id` of the index document. */
  readonly name: string;
  /** The `_type` of the documents it covers. */
  readonly type: string;
  readonly fields: readonly IndexField[];
  /** Default false. No two documents share a key. */
  readonly unique: boolean;
  /** Default false. Leaves out documents that have none of the fields. */
  readonly sparse: boolean;
  /** When given, leaves out documents that do not match this filter. */
  readonly partial?: ValueObject | undefined;
  readonly kind: IndexKind;
  /** Default false. Kept up to date, a unique one enforced, but no plan reads it. */
  readonly hidden: boolean;
  /** Which texts a unique index takes for equal; undefined: those of the same code points. */
  readonly collation?: Collation | undefined;
  /** The paths of a wildcard index. */
  readonly wildcard?: Wildcard | undefined;
  /** Least and greatest coordinate of a `2d` index. */
  readonly bounds?: readonly [min: number, max: number] | undefined;
  /** Seconds after the date in the field, when the document may be removed. */
  readonly expireAfterSeconds?: number | undefined;
}

/**
 * `ordered` keys are values; `hashed` ones too, but no arrays. `wildcard` keys are
 * `[path, value]`. `geo` indexes check geometries and `text` ones nothing; neither has keys.
 */
export type IndexKind = 'ordered' | 'hashed' | 'wildcard' | 'geo' | 'text';

export interface IndexField {
  /** A dotted path. */
  readonly path: string;
  readonly direction: 1 | -1;
  readonly special?: 'hashed' | 'text' | '2dsphere' | '2d' | undefined;
}

/** An index that a plan may use. */
export interface PlannableIndex {
  readonly definition: IndexDefinition;
  readonly index: OrderedIndex;
  /** True once any document gave the index a value out of an array. It never turns false by itself. */
  readonly multikey: boolean;
}

/**
 * What the query floor needs of the documents above it: one snapshot of the
 * store. Everything it names must stay readable until the query is done.
 */
export interface QuerySource {
  /** The commit that the snapshot shows. */
  readonly seq: number;
  /**
   * True when every living key of an index leads to a document that the reader may see, and
   * `count` is exact: then keys alone may answer. Default false.
   */
  readonly keysSuffice?: boolean;
  /** Keys are `encodeKey([type, id])`; one entry for every document of every type. */
  readonly typeIndex: OrderedIndex;
  /** The indexes over documents of exactly this `_type`. */
  indexesOf(type: string): readonly PlannableIndex[];
  /** The document of a ref as of `seq`, or undefined when it does not exist there. */
  load(ref: DocumentRef): DocumentBody | undefined;
  /** The ref of an id, whether or not the document lives at `seq`. */
  refOf(id: string): DocumentRef | undefined;
  /** The type and its aliases. */
  resolveTypes(type: string): readonly string[];
}

/** A source that answers prepared plans, too: of one snapshot whose indexes are read in one step. */
export interface QuickSource extends QuerySource {
  /** The documents of the first `count` refs, without those that do not exist. The array is the caller's. */
  loadAll(refs: Uint32Array, count: number): DocumentBody[];
}

/** A read in MongoDB's language. Every part but the filter is optional. */
export interface Query {
  readonly filter?: unknown;
  /** `{ path: 1 | -1 }`, in order of weight. */
  readonly sort?: unknown;
  /** Documents left out at the start. Default 0. */
  readonly skip?: number | undefined;
  /** Documents at most; 0 means no limit, as in MongoDB. Default 0. */
  readonly limit?: number | undefined;
  readonly projection?: unknown;
}
