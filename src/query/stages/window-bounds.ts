import type { Unit } from '../dates/arguments.js';

export type Bound = 'unbounded' | 'current' | number;

/** The part of a partition that is looked at from one document. */
export interface Window {
  readonly kind: 'documents' | 'range';
  readonly lower: Bound;
  readonly upper: Bound;
  readonly unit: Unit | undefined;
}
