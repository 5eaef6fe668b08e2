import type { Access, IndexAccess, IntersectionAccess } from './access.js';
import { countKeys } from './count-keys.js';

/** Fewer keys than this are not worth a second index. */
const KEYS_MIN = 64;

/**
 * What things cost, in keys read: a document from the cache and its test take about as long as
 * eight, and one that must be decoded far longer; a key kept or looked up among others, as two.
 */
const DOCUMENT_COST = 8;
const MEMBER_COST = 2;

/**
 * Reads a second index when that spares more documents than it costs keys.
 *
 * @param keys how many keys `best` reads, counted
 */
export function intersectionOf(
  best: Access,
  keys: number,
  candidates: readonly Access[],
  seq: number,
): IntersectionAccess | undefined {
  if (best.kind !== 'index' || keys < KEYS_MIN || best.residue.length === 0) return undefined;
  const others = candidates.filter((other) => other.kind === 'index' && adds(best, other));
  for (const other of others as IndexAccess[]) {
    const most = Math.ceil((keys * DOCUMENT_COST) / MEMBER_COST);
    const more = countKeys(other, seq, most);
    if (more < most && pays(keys, more, other)) return intersect(best, other, more < keys);
  }
  return undefined;
}

/** Whether the other index decides a condition that the best one leaves open. */
function adds(best: IndexAccess, other: IndexAccess): boolean {
  return (
    other.index !== best.index &&
    !other.merged &&
    best.residue.some((node) => other.bounds.some(({ proves }) => proves.includes(node)))
  );
}

/** Taken as independent of each other: both let through a share of what the index holds. */
function pays(keys: number, more: number, { index }: IndexAccess): boolean {
  const share = more / Math.max(index.index.stats().live, 1);
  const both = (keys + more) * MEMBER_COST + keys * share * DOCUMENT_COST;
  return both < keys * DOCUMENT_COST;
}

/** The ordered one is streamed, so that its order stays; else the longer one. */
function intersect(best: IndexAccess, other: IndexAccess, isLonger: boolean): IntersectionAccess {
  const [stream, filter] =
    best.ordered || (!other.ordered && isLonger) ? [best, other] : [other, best];
  const residue = best.residue.filter((node) => other.residue.includes(node));
  return { kind: 'intersection', stream, filter, residue, ordered: stream.ordered };
}
