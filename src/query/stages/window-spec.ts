import { isPlainObject } from '../../base/values.js';
import { type Accumulator, readAccumulator } from '../accumulators/accumulator.js';
import { ACCUMULATORS } from '../accumulators/accumulators.js';
import { checkExpression } from '../check-expression.js';
import { unitOf } from '../dates/arguments.js';
import { describe, namesChecker, refuse } from '../expressions/operator.js';
import { checkFieldPath } from '../field-paths.js';
import { readSort, type SortOrder } from '../sort.js';
import type { Bound, Window } from './window-bounds.js';
import { WINDOW_FUNCTIONS, type WindowFunction } from './window-functions.js';

const NAME = '$setWindowFields';
const checkNames = namesChecker(NAME, ['partitionBy', 'sortBy', 'output!']);
const checkWindow = namesChecker(NAME, ['documents', 'range', 'unit']);

/** One field that a window fills. */
export type WindowOutput = {
  readonly path: readonly string[];
  readonly window: Window | undefined;
} & (
  | { readonly accumulator: Accumulator; readonly operand: unknown }
  | { readonly ranking: WindowFunction; readonly operand: unknown }
);

export interface WindowSpec {
  readonly partitionBy: unknown;
  readonly order: SortOrder | undefined;
  readonly outputs: readonly WindowOutput[];
}

export function readWindows(operand: unknown): WindowSpec {
  const { partitionBy, sortBy, output } = checkNames(operand);
  if (sortBy !== undefined && sortBy !== null && !isPlainObject(sortBy))
    refuse(NAME, 'paths as sortBy', describe(sortBy));
  const order = sortBy === undefined ? undefined : totalOrder(readSort(sortBy));
  if (!isPlainObject(output)) refuse(NAME, 'an object as output', describe(output));
  const sorted = sortBy !== undefined && sortBy !== null;
  const outputs = Object.entries(output).map(([path, value]) =>
    readOutput(path, value, order, sorted),
  );
  return { partitionBy: partitionBy ?? null, order, outputs };
}

function totalOrder(order: SortOrder | undefined): SortOrder | undefined {
  if (!order?.byId) return order;
  return { ...order, fields: [...order.fields, { path: '_id', direction: order.idDirection }] };
}

function readOutput(
  path: string,
  value: unknown,
  order: SortOrder | undefined,
  sorted: boolean,
): WindowOutput {
  checkFieldPath(path, NAME);
  if (!isPlainObject(value)) refuse(NAME, 'an operator over a window', describe(value));
  const { window: given, ...rest } = value;
  const window = Object.hasOwn(value, 'window') ? readWindow(given, order, sorted) : undefined;
  const name = Object.keys(rest)[0] ?? '';
  const segments = path.split('.');
  if (!Object.hasOwn(WINDOW_FUNCTIONS, name)) {
    checkExpression(rest[name], NAME);
    return { path: segments, window, ...readAccumulator(rest, WINDOWED, NAME) };
  }
  const ranking = WINDOW_FUNCTIONS[name] as WindowFunction;
  if (Object.keys(rest).length > 1) refuse(NAME, 'one operator', Object.keys(rest).join(', '));
  ranking.check(rest[name], order, window);
  return { path: segments, window, ranking, operand: rest[name] };
}

const { $mergeObjects: _merge, ...WINDOWED } = ACCUMULATORS;

function readWindow(given: unknown, order: SortOrder | undefined, sorted: boolean): Window {
  const { documents, range, unit } = checkWindow(given);
  if ((documents === undefined) === (range === undefined)) {
    if (documents !== undefined || unit !== undefined)
      refuse(NAME, 'documents or range', describe(given));
    return { kind: 'documents', lower: 'unbounded', upper: 'unbounded', unit: undefined };
  }
  const kind = documents === undefined ? 'range' : 'documents';
  const bounds = documents ?? range;
  if (!Array.isArray(bounds) || bounds.length !== 2) refuse(NAME, 'two bounds', describe(bounds));
  const [lower, upper] = bounds.map((bound) => readBound(bound, kind)) as [Bound, Bound];
  checkBounds(lower, upper);
  const limited = lower !== 'unbounded' || upper !== 'unbounded';
  if (limited && !sorted) refuse(NAME, 'sortBy for a window with bounds', 'none');
  if (kind === 'documents' && unit !== undefined)
    refuse(NAME, 'a unit with range only', String(unit));
  if (
    kind === 'range' &&
    limited &&
    (order?.fields.length !== 1 || order.fields[0]?.direction !== 1)
  )
    refuse(NAME, 'one path, upward, as sortBy of a range', String(order?.fields.length));
  return { kind, lower, upper, unit: unit === undefined ? undefined : unitOf(unit, NAME) };
}

function readBound(bound: unknown, kind: Window['kind']): Bound {
  if (bound === 'unbounded' || bound === 'current') return bound;
  const fits = kind === 'documents' ? Number.isInteger(bound) : Number.isFinite(bound);
  if (!fits) refuse(NAME, "a number, 'current' or 'unbounded'", describe(bound));
  return bound as number;
}

function checkBounds(lower: Bound, upper: Bound): void {
  const low = lower === 'current' ? 0 : lower;
  const high = upper === 'current' ? 0 : upper;
  if (typeof low === 'number' && typeof high === 'number' && low > high)
    refuse(NAME, 'a lower bound below the upper', `${low} and ${high}`);
}
