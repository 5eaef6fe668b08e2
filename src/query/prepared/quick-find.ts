import { compareValues } from '../../base/order.js';
import type { OrderedIndex } from '../../indexes/contract.js';
import { FIRST_MAX, firstRead, TIED } from '../../indexes/first-read.js';
import { FEW_KEYS } from '../choose-access.js';
import type { DocumentBody, Query, QuickSource } from '../contract.js';
import { allOf, type FilterNode, type Test } from '../filter-node.js';
import { compileNode, type Predicate } from '../match.js';
import { sortInMemory } from '../ordered.js';
import type { Prepared, PreparedBound, Slot } from './prepared.js';
import type { Operand, Scalar } from './read-shape.js';
import { RefSet } from './ref-set.js';
import { spanOf } from './spans.js';

const NO_POINTS = [undefined] as const;
/** Where documents are tested, so many keys are read for each that is wanted. */
const TESTED_FOR_ONE = 8;

const seen = new RefSet();

/**
 * Answers a query by a prepared plan: key bytes, one step into the index for each point, documents. Undefined
 * where that does not do: it ties in the order, finds more than a step reads, names a point twice.
 */
export function quickFind(
  prepared: Prepared,
  operands: readonly Operand[],
  { skip = 0, limit = 0 }: Query,
  source: QuickSource,
): DocumentBody[] | undefined {
  if (!isCount(skip) || !isCount(limit)) return undefined;
  const points = pointsOf(prepared, operands);
  if (!points) return undefined;
  const wanted = limit === 0 ? Number.POSITIVE_INFINITY : skip + limit;
  const test = testOf(prepared, operands);
  if (prepared.repeats) seen.clear();
  const { sorts } = prepared;
  const most = sorts ? Number.POSITIVE_INFINITY : wanted;
  const found =
    points.length === 1
      ? readSpan(prepared, operands, points[0], most, test, source)
      : readSpans(prepared, operands, points, most, test, source);
  if (!found) return undefined;
  const all = sorts ? sortInMemory([[found]], sorts, wanted) : found;
  return skip > 0 || all.length > wanted ? all.slice(skip, wanted) : all;
}

function readSpans(
  prepared: Prepared,
  operands: readonly Operand[],
  points: readonly (Scalar | undefined)[],
  wanted: number,
  test: Predicate | undefined,
  source: QuickSource,
): DocumentBody[] | undefined {
  let found: DocumentBody[] | undefined;
  for (let at = 0; at < points.length; at++) {
    const left = wanted - (found?.length ?? 0);
    const more = readSpan(prepared, operands, points[at], left, test, source);
    if (!more) return undefined;
    if (!found) found = more;
    else for (let n = 0; n < more.length; n++) found.push(more[n] as DocumentBody);
    if (found.length >= wanted) break;
  }
  return found;
}

/** What one span gives, or undefined where one step does not tell. */
function readSpan(
  { access, reverse, ordered, sorts, repeats }: Prepared,
  operands: readonly Operand[],
  point: Scalar | undefined,
  wanted: number,
  test: Predicate | undefined,
  source: QuickSource,
): DocumentBody[] | undefined {
  const { refs } = firstRead;
  const index = access.sample.index.index as Required<OrderedIndex>;
  const span = spanOf(access, operands, point);
  const most = sorts ? FEW_KEYS + 1 : FIRST_MAX;
  const asked = Math.min(test ? wanted * TESTED_FOR_ONE : wanted + (ordered ? 1 : 0), most);
  const count = index.first(span, source.seq, { wanted: asked, reverse, distinct: ordered });
  if (count === TIED) return undefined;
  const kept = repeats ? seen.keepNew(refs, count) : count;
  const found = source.loadAll(refs, Math.min(kept, test ? kept : wanted));
  const matching = test ? found.filter(test) : found;
  return count < asked || matching.length >= wanted ? matching : undefined;
}

/** Points in the order in which the index has them; undefined where one stands there twice. */
function pointsOf(
  { listed, access, reverse }: Prepared,
  operands: readonly Operand[],
): readonly (Scalar | undefined)[] | undefined {
  if (listed === undefined) return NO_POINTS;
  const points = operands[listed] as Scalar[];
  if (points.length === 1) return points;
  points.sort(compareValues);
  for (let at = 1; at < points.length; at++) if (points[at] === points[at - 1]) return undefined;
  const { direction } = access.bounds.find((bound) => isOf(bound, listed)) as PreparedBound;
  return (direction === -1) === reverse ? points : points.reverse();
}

function isOf(bound: PreparedBound, slot: Slot): boolean {
  return bound.kind === 'points' && bound.slot === slot;
}

function testOf(
  { access, conditions }: Prepared,
  operands: readonly Operand[],
): Predicate | undefined {
  if (access.residue.length === 0) return undefined;
  return compileNode(allOf(access.residue.map((slot) => nodeOf(conditions, operands, slot))));
}

function nodeOf(
  conditions: Prepared['conditions'],
  operands: readonly Operand[],
  slot: Slot,
): FilterNode {
  const { path, op } = conditions[slot] as Prepared['conditions'][number];
  const operand = operands[slot] as Operand;
  const test = op === 'in' ? { op, values: operand, patterns: [] } : { op, value: operand };
  return { kind: 'test', path, test: test as Test };
}

function isCount(count: unknown): boolean {
  return Number.isSafeInteger(count) && (count as number) >= 0;
}
