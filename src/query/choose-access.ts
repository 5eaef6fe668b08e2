import { encodeKey } from '../base/key-bytes.js';
import type { Access, ScanAccess } from './access.js';
import type { QuerySource } from './contract.js';
import { countKeys } from './count-keys.js';
import type { FilterNode } from './filter-node.js';
import { indexCandidates, namesType } from './index-candidates.js';
import { intersectionOf } from './intersection.js';
import { startingWith } from './key-ranges.js';
import type { SortOrder } from './sort.js';
import { unionCandidates } from './union.js';

/** Below this many keys an index is taken without asking what a scan would cost. */
export const FEW_KEYS = 1_000;

/**
 * The access to the documents of one type that reads the fewest keys, counted in the indexes
 * themselves; where nothing is bounded, an index that gives the order, or a scan. Where there is
 * but one sensible choice, nothing is counted.
 *
 * @param considered where the bounded accesses are noted that were compared
 */
export function chooseAccess(
  nodes: readonly FilterNode[],
  type: string,
  order: SortOrder | undefined,
  source: QuerySource,
  considered: Access[],
): Access {
  const indexes = source.indexesOf(type);
  const found = indexCandidates(nodes, indexes, order);
  const bounded: Access[] = found.filter(({ bounds }) => bounds.length > 0);
  bounded.push(...unionCandidates(nodes, indexes, source.seq));
  considered.push(...bounded);
  const [only] = bounded;
  if (only && bounded.length === 1 && (!order || only.ordered)) return only;
  const walk = found.find(({ bounds }) => bounds.length === 0) ?? typeScan(nodes, type, order);
  if (!only) return walk;
  return compare(bounded, walk, () => countType(type, source), source.seq);
}

function compare(
  bounded: readonly Access[],
  walk: Access,
  countAll: () => number,
  seq: number,
): Access {
  const { best, keys } = fewestKeys(bounded, seq);
  const both = intersectionOf(best, keys, bounded, seq);
  if (both) return both;
  return keys <= FEW_KEYS || isCheaper(best, keys, walk, countAll()) ? best : walk;
}

/** Fewer keys, then the order for free; candidates come in order of name. */
function fewestKeys(bounded: readonly Access[], seq: number): { best: Access; keys: number } {
  let best = bounded[0] as Access;
  let keys = countKeys(best, seq);
  for (const next of bounded.slice(1)) {
    // One more than the fewest: then more of them is told from as many.
    const count = countKeys(next, seq, keys + 1);
    if (count < keys || (count === keys && next.ordered && !best.ordered)) {
      [best, keys] = [next, count];
    }
  }
  return { best, keys };
}

/** Reading everything is as good as an index that gives as much, and better if it comes in order. */
function isCheaper(best: Access, keys: number, walk: Access, count: number): boolean {
  return keys < count || (keys === count && best.ordered >= walk.ordered);
}

function countType(type: string, source: QuerySource): number {
  return source.typeIndex.count(startingWith(encodeKey([type])), source.seq);
}

function typeScan(
  nodes: readonly FilterNode[],
  type: string,
  order: SortOrder | undefined,
): ScanAccess {
  return {
    kind: 'type-scan',
    ranges: [startingWith(encodeKey([type]))],
    residue: nodes.filter((node) => !namesType(node, type)),
    reverse: order?.fields.length === 0 && order.idDirection === -1,
    ordered: order?.fields.length === 0,
  };
}
