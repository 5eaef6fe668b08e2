import type { Node, Place } from './syntax.js';

const PLACES: Readonly<Record<Place, string>> = {
  start: '(?<![^])',
  end: '(?![^])',
  'end-or-newline': '(?=\\n?(?![^]))',
  'line-start': '(?<![^\\n])',
  'line-end': '(?![^\\n])',
  'word-edge': '\\b',
  'inside-word': '\\B',
};

/** A pattern for JavaScript's engine with the `u` flag; undefined where that has no way to say it. */
export function emitPattern(node: Node): string | undefined {
  switch (node.kind) {
    case 'set':
      return node.text;
    case 'sequence':
      return joined(node.nodes, '');
    case 'choice':
      return wrapped('(?:', joined(node.nodes, '|'));
    case 'group':
      return wrapped('(', emitPattern(node.node));
    case 'place':
      return PLACES[node.place];
    case 'look':
      return wrapped(`(?${node.behind ? '<' : ''}${node.not ? '!' : '='}`, emitPattern(node.node));
    case 'repeat':
      return repeated(node);
    default:
      return undefined;
  }
}

function joined(nodes: readonly Node[], separator: string): string | undefined {
  const parts = nodes.map(emitPattern);
  return parts.includes(undefined) ? undefined : parts.join(separator);
}

function wrapped(opening: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `${opening}${text})`;
}

function repeated(node: Extract<Node, { kind: 'repeat' }>): string | undefined {
  const text = wrapped('(?:', emitPattern(node.node));
  if (text === undefined || node.mode === 'possessive') return undefined;
  const most = node.most === Number.POSITIVE_INFINITY ? '' : node.most;
  return `${text}{${node.least},${most}}${node.mode === 'lazy' ? '?' : ''}`;
}
