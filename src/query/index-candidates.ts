import type { IndexAccess } from './access.js';
import type { IndexField, PlannableIndex } from './contract.js';
import { boundsPath, excludesMissing, type FieldBound, fieldBounds } from './field-bounds.js';
import type { FilterNode } from './filter-node.js';
import { isPlannable } from './index-definition.js';
import { indexFacts, nodeText } from './index-facts.js';
import { keyRanges } from './key-ranges.js';
import { servedOrder } from './served-order.js';
import type { SortOrder } from './sort.js';
import { holdsInWildcard, type IndexView, wildcardViews } from './wildcard-views.js';

/** The accesses that the indexes of one type offer to a filter and an order, in order of name. */
export function indexCandidates(
  nodes: readonly FilterNode[],
  indexes: readonly PlannableIndex[],
  order: SortOrder | undefined,
): readonly IndexAccess[] {
  const found: IndexAccess[] = [];
  for (const view of indexViews(nodes, indexes, order)) {
    for (const bounds of boundChoices(view.nodes, view.index)) {
      const access = accessBy(view.index, bounds, nodes, order);
      if (access) found.push(access);
    }
  }
  return found.length < 2 ? found : found.sort(byName);
}

/** The indexes that have to do with a query; a wildcard index once for each path that it holds. */
function indexViews(
  nodes: readonly FilterNode[],
  indexes: readonly PlannableIndex[],
  order: SortOrder | undefined,
): readonly IndexView[] {
  const views: IndexView[] = [];
  for (const index of indexes) {
    const { definition } = index;
    if (definition.wildcard) {
      if (impliesPartial(nodes, index)) views.push(...wildcardViews(nodes, index));
    } else if (isPlannable(definition) && isOfUse(index, nodes, order)) {
      if (impliesPartial(nodes, index)) views.push({ index, nodes });
    }
  }
  return views;
}

function byName(left: IndexAccess, right: IndexAccess): number {
  const [one, other] = [left.index.definition.name, right.index.definition.name];
  return one === other ? 0 : one < other ? -1 : 1;
}

/** Most indexes have nothing to do with a query: neither its filter nor its order begins like them. */
function isOfUse(
  { definition }: PlannableIndex,
  nodes: readonly FilterNode[],
  order: SortOrder | undefined,
): boolean {
  const path = definition.fields[0]?.path as string;
  return nodes.some((node) => boundsPath(node, path)) || order?.fields[0]?.path === path;
}

/** A partial index holds enough only when each of its conditions stands in the filter as it is. */
function impliesPartial(nodes: readonly FilterNode[], { definition }: PlannableIndex): boolean {
  if (!definition.partial) return true;
  const given = new Set(nodes.map(nodeText));
  return indexFacts(definition).conditions.every((condition) => given.has(condition));
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
  const { plannable, roots } = indexFacts(definition);
  const bounds: FieldBound[] = [];
  for (let at = 0; at < definition.fields.length; at++) {
    const { path } = definition.fields[at] as IndexField;
    // Paths through one array are kept together element by element, so their bounds must not be joined.
    if (multikey && roots.indexOf(roots[at] as string) < at) break;
    const [first, ...others] = plannable[at] ? fieldBounds(nodes, path, multikey) : [];
    if (!first) break;
    if (first.kind === 'range') {
      return [[...bounds, first], ...others.map((other) => [...bounds, other]), []];
    }
    bounds.push(first);
  }
  return bounds.length === 0 ? [[]] : [bounds, []];
}

function accessBy(
  index: PlannableIndex,
  bounds: readonly FieldBound[],
  nodes: readonly FilterNode[],
  order: SortOrder | undefined,
): IndexAccess | undefined {
  const { definition } = index;
  const served = order && servedOrder(index, bounds, order);
  if (bounds.length === 0 && !served) return undefined;
  if (definition.sparse && !bounds.some(excludesMissing)) return undefined;
  if (definition.wildcard && !holdsInWildcard(bounds)) return undefined;
  const ranges = keyRanges(definition, bounds);
  if (!ranges) return undefined;
  return {
    kind: 'index',
    index,
    bounds,
    ranges,
    residue: leftOver(nodes, definition.wildcard ? [] : bounds, definition.type),
    reverse: served?.reverse ?? false,
    ordered: served !== undefined,
    merged: served?.merged === true && ranges.length > 1,
  };
}

/** What the bounds, and the type of the documents, do not prove. */
function leftOver(
  nodes: readonly FilterNode[],
  bounds: readonly FieldBound[],
  type: string,
): readonly FilterNode[] {
  return nodes.filter(
    (node) => !namesType(node, type) && !bounds.some(({ proves }) => proves.includes(node)),
  );
}

/** Whether every document of the type meets a condition: it names that type. */
export function namesType(node: FilterNode, type: string): boolean {
  if (node.kind !== 'test' || node.path !== '_type') return false;
  if (node.test.op === 'eq') return node.test.value === type;
  return node.test.op === 'in' && node.test.values.includes(type);
}
