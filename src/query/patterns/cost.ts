import type { Node } from './syntax.js';

/**
 * About how many ways there are to go through a pattern over a text, so about how many
 * steps a search without bounds may take; Infinity when they may double with each character.
 */
export function waysThrough(node: Node, length: number): number {
  switch (node.kind) {
    case 'sequence':
      return node.nodes.reduce((ways, each) => ways * waysThrough(each, length), 1);
    case 'choice':
      return node.nodes.reduce((ways, each) => ways + waysThrough(each, length), 0);
    case 'group':
    case 'look':
    case 'atomic':
      return waysThrough(node.node, length);
    case 'condition':
      return waysThrough(node.yes, length) + waysThrough(node.no, length);
    case 'repeat':
      return waysToRepeat(node, length);
    default:
      return 1;
  }
}

function waysToRepeat(
  { node, least, most }: { node: Node; least: number; most: number },
  length: number,
): number {
  const once = waysThrough(node, length);
  const times = Math.min(most, length);
  const counts = Math.max(1, times - least + 1);
  return once > 1 && times > 1 ? once ** times * counts : counts * once;
}
