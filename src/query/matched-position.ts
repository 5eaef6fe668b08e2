import { conjuncts, type FilterNode, type PathTest } from './filter-node.js';
import { compileNode } from './match.js';
import { ownValue, splitPath } from './paths.js';

/**
 * The position that `array.$` stands for: the first element of the array that
 * meets all that the filter says about it, else the first that meets part.
 */
export function matchedPosition(
  document: unknown,
  arrayPath: string,
  node: FilterNode,
): number | undefined {
  const array = splitPath(arrayPath).reduce<unknown>(stepInto, document);
  if (!Array.isArray(array)) return undefined;
  const tests = arrayTests(node, arrayPath).map((test) => compileNode(test));
  if (tests.length === 0) return undefined;
  const met = array.map((item) => {
    const alone = wrap(arrayPath, [item]);
    return tests.filter((test) => test(alone)).length;
  });
  const most = Math.max(...met);
  return most > 0 ? met.indexOf(most) : undefined;
}

/** The positive conditions on an array or on what is in it, wherever they stand. */
function arrayTests(node: FilterNode, arrayPath: string): readonly FilterNode[] {
  if (node.kind === 'and' || node.kind === 'or') {
    return conjuncts(node).flatMap((child) =>
      child.kind === 'or'
        ? child.nodes.flatMap((branch) => arrayTests(branch, arrayPath))
        : arrayTests(child, arrayPath),
    );
  }
  const test = node.kind === 'not' ? node.node : node;
  return test.kind === 'test' && concerns(test, arrayPath) ? [node] : [];
}

function concerns(test: PathTest, arrayPath: string): boolean {
  return test.path === arrayPath || test.path.startsWith(`${arrayPath}.`);
}

function stepInto(node: unknown, key: string): unknown {
  return Array.isArray(node) ? node[Number(key)] : ownValue(node, key);
}

function wrap(path: string, value: unknown): unknown {
  return splitPath(path).reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}
