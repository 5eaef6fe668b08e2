import type { Node } from './syntax.js';

/** A length that is the same for all that can match, in each of the branches. */
export function hasFixedLength(node: Node): boolean {
  if (node.kind === 'choice') return node.nodes.every((each) => lengthOf(each) !== undefined);
  return lengthOf(node) !== undefined;
}

/** How many characters whatever matches has, where that is always the same. */
export function lengthOf(node: Node): number | undefined {
  switch (node.kind) {
    case 'set':
      return 1;
    case 'place':
    case 'look':
      return 0;
    case 'group':
    case 'atomic':
      return lengthOf(node.node);
    case 'sequence':
      return node.nodes.map(lengthOf).reduce(add, 0);
    case 'choice': {
      const [first, ...rest] = node.nodes.map(lengthOf);
      return rest.every((length) => length === first) ? first : undefined;
    }
    case 'repeat': {
      const length = lengthOf(node.node);
      return node.least === node.most && length !== undefined ? length * node.least : undefined;
    }
    default:
      return undefined;
  }
}

function add(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : left + right;
}
