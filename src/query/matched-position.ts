import { conjuncts, type FilterNode } from './filter-node.js';
import { compileNode } from './match.js';
import { isPosition, ownValue, splitPath } from './paths.js';

/**
 * The position that `array.$` stands for: where the filter's conditions, in their order,
 * last matched an element of an array. What is negated or only one of several choices
 * names none, as MongoDB has it.
 */
export function matchedPosition(document: unknown, node: FilterNode): number | undefined {
  return conjuncts(node)
    .map((condition) => positionOf(document, condition))
    .findLast((position) => position !== undefined);
}

/** The first element of the first array on the condition's path that meets it alone. */
function positionOf(document: unknown, condition: FilterNode): number | undefined {
  const path = pathOf(condition);
  if (path === undefined) return undefined;
  let node = document;
  for (let depth = 0; depth <= path.length; depth++) {
    if (Array.isArray(node)) return firstMatch(node, path, depth, condition);
    node = ownValue(node, path[depth] as string);
  }
  return undefined;
}

/** The path of a condition on elements; of choices, when all are on the same one. */
function pathOf(condition: FilterNode): readonly string[] | undefined {
  if (condition.kind === 'test') {
    return condition.test.op === 'size' ? undefined : splitPath(condition.path);
  }
  if (condition.kind !== 'or') return undefined;
  const paths = new Set(condition.nodes.map((node) => pathOf(node)?.join('.')));
  const [path] = paths;
  return paths.size === 1 && path !== undefined ? splitPath(path) : undefined;
}

function firstMatch(
  array: readonly unknown[],
  path: readonly string[],
  depth: number,
  condition: FilterNode,
): number | undefined {
  const next = path[depth];
  if (next !== undefined && isPosition(next)) return undefined;
  const test = compileNode(condition);
  const at = array.findIndex((item) => test(wrap(path.slice(0, depth), [item])));
  return at < 0 ? undefined : at;
}

function wrap(path: readonly string[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}
