import { UTC } from '../dates/time-zone.js';
import { addUnits } from '../dates/units.js';
import { describe, refuse, type Scope } from '../expressions/operator.js';
import { compareFields, type SortOrder, sortableMaker } from '../sort.js';
import { keyText } from './group.js';
import type { Document, Stage, StageContext } from './stage.js';
import { withValue } from './unwind.js';
import type { Bound, Window } from './window-bounds.js';
import type { Partition } from './window-functions.js';
import { readWindows, type WindowOutput } from './window-spec.js';

const NAME = '$setWindowFields';

/** Fields that tell of a document's place among those of its partition. */
export const setWindowFields: Stage = {
  check: (operand) => void readWindows(operand),
  run: function* (documents, operand, context) {
    const { partitionBy, order, outputs } = readWindows(operand);
    for (const members of partitions(documents, partitionBy, context)) {
      const sorted = order ? inOrder(members, order) : members;
      const partition = partitionOf(sorted, order, context);
      const columns = outputs.map((output) => column(partition, output));
      yield* sorted.map((document, at) =>
        outputs.reduce(
          (result, { path }, which) => withValue(result, path, columns[which]?.[at]),
          document,
        ),
      );
    }
  },
};

function partitions(
  documents: Iterable<unknown>,
  partitionBy: unknown,
  context: StageContext,
): Iterable<Document[]> {
  const found = new Map<string, Document[]>();
  for (const document of documents) {
    const value = context.scope(document).value(partitionBy) ?? null;
    if (Array.isArray(value)) refuse(NAME, 'a value other than an array to part by', 'an array');
    const key = keyText(value);
    const members = found.get(key) ?? [];
    members.push(document as Document);
    found.set(key, members);
  }
  return found.values();
}

function inOrder(members: readonly Document[], order: SortOrder): Document[] {
  return members
    .map(sortableMaker(order))
    .sort(compareFields(order))
    .map((item) => item.document);
}

function partitionOf(
  sorted: readonly Document[],
  order: SortOrder | undefined,
  context: StageContext,
): Partition {
  const scopes = sorted.map((document) => context.scope(document));
  if (!order) return { scopes, ties: scopes.map((_, at) => at), keys: [] };
  const sortables = sorted.map(sortableMaker(order));
  const compare = compareFields(order);
  let tie = 0;
  const ties = sortables.map((item, at) => {
    const before = sortables[at - 1];
    if (before && compare(before, item) !== 0) tie++;
    return tie;
  });
  return { scopes, ties, keys: sortables.map((item) => item.values[0] ?? null) };
}

/** The values of one output, for each document. */
function column(partition: Partition, output: WindowOutput): readonly unknown[] {
  const range = rangeOf(partition, output.window);
  if ('ranking' in output) return output.ranking.run(partition, output.operand as never, range);
  const over = (from: number, to: number) => {
    const running = output.accumulator.begin(output.operand);
    for (let at = from; at < to; at++) running.add(partition.scopes[at] as Scope);
    return running.result();
  };
  if (isWhole(output.window)) {
    const value = over(0, partition.scopes.length);
    return partition.scopes.map(() => value);
  }
  return partition.scopes.map((_, at) => over(...range(at)));
}

function isWhole(window: Window | undefined): boolean {
  return !window || (window.lower === 'unbounded' && window.upper === 'unbounded');
}

/** The window of each document: its first place, and the one behind its last. */
function rangeOf(
  partition: Partition,
  window: Window | undefined,
): (at: number) => readonly [number, number] {
  const { length } = partition.scopes;
  if (!window || isWhole(window)) return () => [0, length];
  if (window.kind === 'range') return (at) => valueRange(partition, window, at);
  const within = (place: number) => Math.min(length, Math.max(0, place));
  const place = (bound: Bound, at: number, edge: number) =>
    bound === 'unbounded' ? edge : at + (bound === 'current' ? 0 : bound);
  const { lower, upper } = window;
  return (at) => {
    const from = within(place(lower, at, 0));
    return [from, Math.max(from, within(place(upper, at, length) + 1))];
  };
}

function valueRange({ keys }: Partition, window: Window, at: number): readonly [number, number] {
  const key = keys[at];
  const low = moved(key, window.lower, window);
  const high = moved(key, window.upper, window);
  const number = (value: unknown) => (value instanceof Date ? value.getTime() : (value as number));
  const from = low === undefined ? 0 : keys.findIndex((other) => number(other) >= low);
  const to =
    high === undefined ? keys.length : keys.findLastIndex((other) => number(other) <= high) + 1;
  return from < 0 || to < from ? [0, 0] : [from, to];
}

/** Where a bound lies along the sort; undefined for no bound. */
function moved(key: unknown, bound: Bound, { unit }: Window): number | undefined {
  if (bound === 'unbounded') return undefined;
  const by = bound === 'current' ? 0 : bound;
  if (key instanceof Date && unit !== undefined) return addUnits(key.getTime(), unit, by, UTC);
  if (typeof key !== 'number' || unit !== undefined)
    refuse(NAME, unit === undefined ? 'numbers to sort by' : 'dates to sort by', describe(key));
  return key + by;
}
