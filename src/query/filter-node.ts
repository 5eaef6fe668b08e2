import type { Value } from '../base/values.js';
import type { TextPattern } from './pattern.js';

/**
 * A filter, parsed: an immutable tree that both the matcher and the planner
 * read. Negations are nodes, so every test is positive.
 */
export type FilterNode =
  | { readonly kind: 'and' | 'or' | 'nor'; readonly nodes: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly node: FilterNode }
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'expression'; readonly expression: unknown }
  | PathTest;

/** A test on what a path reaches. The empty path is the value itself, never gone into. */
export interface PathTest {
  readonly kind: 'test';
  readonly path: string;
  readonly test: Test;
}

export type Test =
  | { readonly op: 'eq'; readonly value: Value }
  | { readonly op: RangeOperator; readonly value: Value }
  | {
      readonly op: 'in';
      readonly values: readonly Value[];
      readonly patterns: readonly TextPattern[];
    }
  | { readonly op: 'exists' }
  | { readonly op: 'regex'; readonly pattern: TextPattern }
  | { readonly op: 'size'; readonly size: number }
  | { readonly op: 'mod'; readonly divisor: number; readonly remainder: number }
  | { readonly op: 'type'; readonly types: ReadonlySet<string> }
  | { readonly op: 'bits'; readonly want: BitsWanted; readonly positions: readonly number[] }
  | { readonly op: 'element'; readonly node: FilterNode; readonly objects: boolean };

export type RangeOperator = 'gt' | 'gte' | 'lt' | 'lte';
export type BitsWanted = 'allSet' | 'allClear' | 'anySet' | 'anyClear';

/** The nodes that must all hold: nested conjunctions, and a choice of one, opened. */
export function conjuncts(node: FilterNode): readonly FilterNode[] {
  if (!opens(node) || !('nodes' in node)) return [node];
  return node.nodes.some(opens) ? node.nodes.flatMap(conjuncts) : node.nodes;
}

function opens(node: FilterNode): boolean {
  return node.kind === 'and' || (node.kind === 'or' && node.nodes.length === 1);
}

export function allOf(nodes: readonly FilterNode[]): FilterNode {
  return nodes.length === 1 ? (nodes[0] as FilterNode) : { kind: 'and', nodes };
}
