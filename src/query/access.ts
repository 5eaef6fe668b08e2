import type { KeyRange } from '../indexes/contract.js';
import type { PlannableIndex } from './contract.js';
import type { FieldBound } from './field-bounds.js';
import type { FilterNode } from './filter-node.js';

/** One way to come by the documents of a query; each gives at least all that match. */
export type Access = IdsAccess | ScanAccess | IndexAccess | UnionAccess | IntersectionAccess;

interface Given {
  /** What is still to be tested: the access proves the rest of the filter. */
  readonly residue: readonly FilterNode[];
  /** True when the documents come in the order that the query asks for. */
  readonly ordered: boolean;
}

export interface IdsAccess extends Given {
  readonly kind: 'ids';
  readonly ids: readonly string[];
}

/** Reads `typeIndex`: one type, in the order of `_id`, or everything. */
export interface ScanAccess extends Given {
  readonly kind: 'type-scan' | 'full-scan';
  readonly ranges: readonly KeyRange[];
  readonly reverse: boolean;
}

export interface IndexAccess extends Given {
  readonly kind: 'index';
  readonly index: PlannableIndex;
  /** On its first fields; none for a walk through everything. */
  readonly bounds: readonly FieldBound[];
  /** Disjoint and ascending. */
  readonly ranges: readonly KeyRange[];
  readonly reverse: boolean;
  /** True when each range alone gives the order, so that they must be merged. */
  readonly merged: boolean;
}

export interface UnionAccess extends Given {
  readonly kind: 'union';
  readonly branches: readonly IndexAccess[];
  readonly ordered: false;
}

/** The documents that both accesses give, in the order of `stream`. */
export interface IntersectionAccess extends Given {
  readonly kind: 'intersection';
  readonly stream: IndexAccess;
  readonly filter: IndexAccess;
}

/** Whether an access may give one document more than once. */
export function mayRepeat(access: Access): boolean {
  if (access.kind === 'union') return true;
  if (access.kind === 'intersection') return mayRepeat(access.stream);
  return access.kind === 'index' && access.index.multikey && !isOnePoint(access);
}

/** One whole key: no two entries of it have the same document. */
function isOnePoint({ index, bounds, ranges }: IndexAccess): boolean {
  return (
    ranges.length === 1 &&
    bounds.length === index.definition.fields.length &&
    bounds.every((bound) => bound.kind === 'points')
  );
}
