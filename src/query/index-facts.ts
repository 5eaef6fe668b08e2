import type { IndexDefinition } from './contract.js';
import { conjuncts, type FilterNode } from './filter-node.js';
import { parseFilter } from './parse-filter.js';
import { hasPosition } from './paths.js';

/** What the planner asks of an index's definition again and again, worked out once. */
export interface IndexFacts {
  /** Paths with array positions are indexed but never planned. */
  readonly plannable: readonly boolean[];
  readonly directions: readonly (1 | -1)[];
  /** First parts of the paths. */
  readonly roots: readonly string[];
  /** Conditions that a filter must state for a partial index, as texts. */
  readonly conditions: readonly string[];
}

const known = new WeakMap<IndexDefinition, IndexFacts>();

export function indexFacts(definition: IndexDefinition): IndexFacts {
  const facts = known.get(definition);
  if (facts) return facts;
  const read = readFacts(definition);
  known.set(definition, read);
  return read;
}

function readFacts({ fields, partial }: IndexDefinition): IndexFacts {
  return {
    plannable: fields.map(({ path }) => !hasPosition(path)),
    directions: fields.map(({ direction }) => direction),
    roots: fields.map(({ path }) => path.split('.', 1)[0] as string),
    conditions: partial ? conjuncts(parseFilter(partial)).map(nodeText) : [],
  };
}

/** Node text tells nodes apart well enough to say that two are the same. */
export function nodeText(node: FilterNode): string {
  return JSON.stringify(node, (_key, value) => {
    if (value instanceof RegExp) return ['RegExp', value.source, value.flags];
    if (value instanceof Set) return ['Set', ...value];
    if (value instanceof Uint8Array) return ['Bytes', ...value];
    return typeof value === 'number' ? `number ${value}` : value;
  });
}
