import type { IndexAccess } from '../access.js';
import type { SortOrder } from '../sort.js';

/** Where the operand of a condition stands among those of a query. */
export type Slot = number;

/** A bound whose values come with each query. */
export type PreparedBound =
  | { readonly kind: 'points'; readonly slot: Slot; readonly direction: 1 | -1 }
  | {
      readonly kind: 'range';
      readonly lower: PreparedEnd | undefined;
      readonly upper: PreparedEnd | undefined;
      readonly direction: 1 | -1;
    };

export interface PreparedEnd {
  readonly slot: Slot;
  readonly inclusive: boolean;
}

/** An access to one index whose values come with each query. */
export interface PreparedAccess {
  /** The same for the query that was planned in full. */
  readonly sample: IndexAccess;
  readonly bounds: readonly PreparedBound[];
  /** True when the bounds hold all fields of the index: each point is one key. */
  readonly whole: boolean;
  /** The conditions that the bounds do not prove. */
  readonly residue: readonly Slot[];
}

/** A query's plan for others of its shape. */
export interface Prepared {
  readonly access: PreparedAccess;
  /** The list among the operands that name points; at most one. */
  readonly listed: Slot | undefined;
  readonly reverse: boolean;
  /** True when the index gives the order that is asked for, save for ties. */
  readonly ordered: boolean;
  /** The order in which the few that are found must be put. */
  readonly sorts: SortOrder | undefined;
  /** True when one document may come more than once. */
  readonly repeats: boolean;
  /** Path and operator of each condition. */
  readonly conditions: readonly PreparedCondition[];
}

export interface PreparedCondition {
  readonly path: string;
  readonly op: 'eq' | 'gt' | 'gte' | 'lt' | 'lte' | 'in';
}
