import type { DocumentBody } from './contract.js';
import type { KeyTies } from './key-ties.js';
import type { Chunk } from './matching.js';
import { mergeOrdered } from './merge.js';
import {
  compareSortables,
  type MakeSortable,
  type Sortable,
  type SortOrder,
  sortableMaker,
  tieTester,
} from './sort.js';
import { takeLeast } from './top.js';

/** A long tie is cut back at this length to what can still be asked for. */
const TIES_MAX = 1_000;

/**
 * Streams that come in the order of the fields already: ties are put in order, and streams merged.
 *
 * @param known what tells of the documents of the one stream whether they tie
 */
export function inFieldOrder(
  streams: readonly Iterable<Chunk>[],
  order: SortOrder,
  wanted: number,
  known?: KeyTies,
): Iterable<Chunk> {
  const settled = streams.map((stream) =>
    order.fields.length === 0 ? stream : settleTies(stream, order, wanted, known),
  );
  return settled.length === 1 ? (settled[0] as Iterable<Chunk>) : merged(settled, order);
}

function* merged(streams: readonly Iterable<Chunk>[], order: SortOrder): Generator<Chunk, void> {
  const make = sortableMaker(order);
  const items = streams.map((stream) => sortables(stream, make));
  for (const item of mergeOrdered(items, compareSortables(order))) yield [item.document];
}

function* sortables(
  chunks: Iterable<Chunk>,
  make: MakeSortable,
): Generator<Sortable<DocumentBody>, void> {
  for (const chunk of chunks) for (const document of chunk) yield make(document);
}

/** Everything is read, and no more kept than is wanted. */
export function sortInMemory(
  streams: readonly Iterable<Chunk>[],
  order: SortOrder,
  wanted: number,
): Chunk {
  const make = sortableMaker(order);
  const items = (function* () {
    for (const stream of streams) yield* sortables(stream, make);
  })();
  return takeLeast(items, wanted, compareSortables(order)).map(({ document }) => document);
}

/** Documents that tie in the fields stand together; only they are sorted, by `_id`. */
function* settleTies(
  chunks: Iterable<Chunk>,
  order: SortOrder,
  wanted: number,
  known: KeyTies | undefined,
): Generator<Chunk, void> {
  const isTie = known ? () => known.next() : tieTester(order);
  let ties: DocumentBody[] = [];
  for (const chunk of chunks) {
    const settled: DocumentBody[] = [];
    for (const document of chunk) {
      if (!isTie(document) && ties.length > 0) {
        settled.push(...byId(ties, order, wanted));
        ties = [];
      }
      ties.push(document);
      if (ties.length > TIES_MAX && ties.length > wanted * 2) ties = byId(ties, order, wanted);
    }
    if (settled.length > 0) yield settled;
  }
  if (ties.length > 0) yield byId(ties, order, wanted);
}

function byId(ties: DocumentBody[], order: SortOrder, wanted: number): DocumentBody[] {
  if (ties.length < 2) return ties;
  const items = ties.map(sortableMaker(order));
  return takeLeast(items, wanted, compareSortables(order)).map(({ document }) => document);
}
