import type { KeyRange } from '../indexes/contract.js';
import type { PlannableIndex } from './contract.js';
import { excludesMissing, type FieldBound, fieldBounds } from './field-bounds.js';
import { readFilter } from './filter.js';
import { conjuncts, type FilterNode } from './filter-node.js';
import { isPlannable } from './index-definition.js';
import { describeBounds, keyRanges } from './key-ranges.js';
import type { IndexAccess } from './plan.js';
import { servedOrder } from './served-order.js';
import type { SortOrder } from './sort.js';
import { holdsInWildcard, wildcardViews } from './wildcard-views.js';

/** The accesses that the indexes of one type offer to a filter and an order, in order of name. */
export function indexCandidates(
  nodes: readonly FilterNode[],
  indexes: readonly PlannableIndex[],
  order: SortOrder | undefined,
  seq: number,
): readonly IndexAccess[] {
  const usable = indexes.filter((index) => impliesPartial(nodes, index));
  const sorted = usable.toSorted((a, b) => (a.definition.name < b.definition.name ? -1 : 1));
  const plain = sorted.filter(({ definition }) => isPlannable(definition));
  const wild = sorted.flatMap((index) => wildcardViews(nodes, index));
  return [...plain.map((index) => ({ index, nodes })), ...wild].flatMap(({ index, nodes }) =>
    boundChoices(nodes, index).flatMap((bounds) => access(index, bounds, order, seq)),
  );
}

/** A partial index holds enough only when each of its conditions stands in the filter as it is. */
function impliesPartial(nodes: readonly FilterNode[], { definition }: PlannableIndex): boolean {
  if (!definition.partial) return true;
  const given = new Set(nodes.map(nodeText));
  return conjuncts(readFilter(definition.partial).node).every((node) => given.has(nodeText(node)));
}

/** Node text tells nodes apart well enough to say that two are the same. */
function nodeText(node: FilterNode): string {
  return JSON.stringify(node, (_key, value) => {
    if (value instanceof RegExp) return ['RegExp', value.source, value.flags];
    if (value instanceof Set) return ['Set', ...value];
    if (value instanceof Uint8Array) return ['Bytes', ...value];
    return typeof value === 'number' ? `number ${value}` : value;
  });
}

/**
 * Bounds for the first fields of an index, as far as the filter goes: points
 * lead on to the next field, a range ends it. Where the last field can be
 * bounded in several ways, each is a choice; no bounds at all is the last one.
 */
function boundChoices(
  nodes: readonly FilterNode[],
  { definition, multikey }: PlannableIndex,
): readonly (readonly FieldBound[])[] {
  const bounds: FieldBound[] = [];
  const bounded: string[] = [];
  for (const { path } of definition.fields) {
    if (multikey && bounded.some((other) => sharesRoot(other, path))) break;
    const [first, ...others] = fieldBounds(nodes, path, multikey);
    if (!first) break;
    if (first.kind === 'range') {
      return [[...bounds, first], ...others.map((other) => [...bounds, other]), []];
    }
    bounds.push(first);
    bounded.push(path);
  }
  return bounds.length === 0 ? [[]] : [bounds, []];
}

/** Paths through one array are kept together element by element, so their bounds must not be joined. */
export function sharesRoot(left: string, right: string): boolean {
  return left.split('.', 1)[0] === right.split('.', 1)[0];
}

function access(
  index: PlannableIndex,
  bounds: readonly FieldBound[],
  order: SortOrder | undefined,
  seq: number,
): readonly IndexAccess[] {
  const { definition } = index;
  const served = order ? servedOrder(index, bounds, order) : undefined;
  if (bounds.length === 0 && !served) return [];
  if (definition.sparse && !bounds.some(excludesMissing)) return [];
  if (definition.wildcard && !holdsInWildcard(bounds)) return [];
  const ranges = keyRanges(definition.fields, bounds);
  if (!ranges) return [];
  return [
    {
      kind: 'index',
      index,
      ranges,
      bounds: describeBounds(definition.fields, bounds),
      reverse: served?.reverse ?? false,
      estimate: bounds.length === 0 ? Number.POSITIVE_INFINITY : countKeys(index, ranges, seq),
      ordered: served !== undefined,
    },
  ];
}

function countKeys(index: PlannableIndex, ranges: readonly KeyRange[], seq: number): number {
  return ranges.reduce((sum, range) => sum + index.index.count(range, seq), 0);
}
