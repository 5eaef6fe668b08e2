/** A regular expression as a tree. Every node knows all it needs; flags are already applied. */
export type Node =
  | CharSet
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'choice'; readonly nodes: readonly Node[] }
  | { readonly kind: 'group'; readonly node: Node; readonly capture: number }
  | {
      readonly kind: 'repeat';
      readonly node: Node;
      readonly least: number;
      readonly most: number;
      readonly mode: 'greedy' | 'lazy' | 'possessive';
    }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'look'; readonly node: Node; readonly behind: boolean; readonly not: boolean }
  | { readonly kind: 'atomic'; readonly node: Node }
  | { readonly kind: 'back'; readonly capture: number; readonly folds: boolean }
  | { readonly kind: 'condition'; readonly capture: number; readonly yes: Node; readonly no: Node };

/** One character of a set. */
export interface CharSet {
  readonly kind: 'set';
  readonly test: (point: number) => boolean;
  /** The same for JavaScript's engine with the `u` flag; undefined where it has no way to say it. */
  readonly text: string | undefined;
}

export type Place =
  | 'start'
  | 'end'
  | 'end-or-newline'
  | 'line-start'
  | 'line-end'
  | 'word-edge'
  | 'inside-word';

export interface Pattern {
  readonly node: Node;
  /** How many captures there are. */
  readonly captures: number;
}
