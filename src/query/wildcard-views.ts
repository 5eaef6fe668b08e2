import { isPlainObject } from '../base/values.js';
import type { IndexField, PlannableIndex } from './contract.js';
import { excludesMissing, type FieldBound } from './field-bounds.js';
import { conjuncts, type FilterNode } from './filter-node.js';
import { holdsPath } from './index-kinds/wildcard.js';
import { hasPosition } from './paths.js';

/** Stands for the path that opens each key of a wildcard index; no filter can name it. */
const PATH_FIELD = '$**';

/** An index as it serves a filter, and the conditions that it is planned by. */
export interface IndexView {
  readonly index: PlannableIndex;
  readonly nodes: readonly FilterNode[];
}

/**
 * A wildcard index, seen for each path of the filter as a compound one over the name of
 * the path, which is given, and the values there.
 */
export function wildcardViews(
  nodes: readonly FilterNode[],
  index: PlannableIndex,
): readonly IndexView[] {
  const { wildcard, hidden, collation } = index.definition;
  if (!wildcard || hidden || collation) return [];
  const paths = [...new Set(nodes.flatMap((node) => pathsOf(node)))];
  return paths
    .filter((path) => !hasPosition(path) && holdsPath(wildcard, path))
    .map((path) => viewOf(path, nodes, index));
}

function pathsOf(node: FilterNode, base = ''): readonly string[] {
  if (node.kind !== 'test') return [];
  const path = base === '' || node.path === '' ? base + node.path : `${base}.${node.path}`;
  const { test } = node;
  if (test.op !== 'element' || !test.objects) return [path];
  return conjuncts(test.node).flatMap((inner) => pathsOf(inner, path));
}

function viewOf(path: string, nodes: readonly FilterNode[], index: PlannableIndex): IndexView {
  const { definition } = index;
  const direction = definition.wildcard?.direction ?? 1;
  const fields: IndexField[] = [
    { path: PATH_FIELD, direction: 1 },
    { path, direction },
  ];
  const named: FilterNode = { kind: 'test', path: PATH_FIELD, test: { op: 'eq', value: path } };
  return {
    index: { ...index, definition: { ...definition, fields } },
    nodes: [...nodes, named],
  };
}

/**
 * Whether bounds hold all that a filter asks of a wildcard index: it has no keys for a
 * missing field, nor for an object as a whole.
 */
export function holdsInWildcard(bounds: readonly FieldBound[]): boolean {
  const [, bound] = bounds;
  if (!bound || !excludesMissing(bound)) return false;
  return bound.kind === 'range' || !bound.values.some(isPlainObject);
}
