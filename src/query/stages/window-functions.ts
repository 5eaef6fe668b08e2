import { isPlainObject } from '../../base/values.js';
import { UNITS, type Unit } from '../dates/arguments.js';
import {
  describe,
  isNil,
  type Named,
  namesChecker,
  refuse,
  type Scope,
} from '../expressions/operator.js';
import type { SortOrder } from '../sort.js';
import type { Window } from './window-bounds.js';

/** The documents of one partition, in order. */
export interface Partition {
  readonly scopes: readonly Scope[];
  /** Which share the value they are sorted by: equal numbers. From 0 upward. */
  readonly ties: readonly number[];
  /** The value of the first path that they are sorted by. */
  readonly keys: readonly unknown[];
}

/** A function of a document's place among others. */
export interface WindowFunction {
  readonly check: (
    operand: unknown,
    order: SortOrder | undefined,
    window: Window | undefined,
  ) => void;
  /** A value for each document. `range` gives the window of one: from, and up to. */
  readonly run: (
    partition: Partition,
    operand: never,
    range: (at: number) => readonly [number, number],
  ) => readonly unknown[];
}

function needsOrder(name: string, order: SortOrder | undefined, fields?: number): void {
  if (!order || (fields !== undefined && order.fields.length !== fields))
    refuse(
      name,
      fields === undefined ? 'sortBy' : `sortBy of ${fields} path`,
      order ? 'more' : 'none',
    );
}

function noWindow(name: string, window: Window | undefined): void {
  if (window) refuse(name, 'no window', 'one');
}

function ranking(name: string, rank: (partition: Partition, at: number) => number): WindowFunction {
  return {
    check: (operand, order, window) => {
      if (!isPlainObject(operand) || Object.keys(operand).length > 0)
        refuse(name, 'an empty object', describe(operand));
      needsOrder(name, order, 1);
      noWindow(name, window);
    },
    run: (partition) => partition.scopes.map((_, at) => rank(partition, at)),
  };
}

const shiftNames = namesChecker('$shift', ['output!', 'by!', 'default']);
const averageNames = namesChecker('$expMovingAvg', ['input!', 'N', 'alpha']);

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/setWindowFields/ */
export const WINDOW_FUNCTIONS: Readonly<Record<string, WindowFunction>> = {
  $documentNumber: ranking('$documentNumber', (_partition, at) => at + 1),
  $rank: ranking('$rank', ({ ties }, at) => ties.indexOf(ties[at] as number) + 1),
  $denseRank: ranking('$denseRank', ({ ties }, at) => (ties[at] as number) + 1),
  $shift: {
    check: (operand, order, window) => {
      const { by } = shiftNames(operand);
      if (!Number.isInteger(by)) refuse('$shift', 'a whole number as by', describe(by));
      needsOrder('$shift', order);
      noWindow('$shift', window);
    },
    run: ({ scopes }, { output, by, default: otherwise }: Named) =>
      scopes.map((scope, at) => {
        const other = scopes[at + (by as number)];
        return (other ? other.value(output) : scope.value(otherwise ?? null)) ?? null;
      }),
  },
  $expMovingAvg: {
    check: (operand, order, window) => {
      const { N: count, alpha } = averageNames(operand);
      if ((count === undefined) === (alpha === undefined))
        refuse('$expMovingAvg', 'N or alpha', 'both or none');
      if (count !== undefined && !(Number.isInteger(count) && (count as number) > 0))
        refuse('$expMovingAvg', 'a positive whole N', describe(count));
      if (alpha !== undefined && !(typeof alpha === 'number' && alpha > 0 && alpha < 1))
        refuse('$expMovingAvg', 'an alpha between 0 and 1', describe(alpha));
      needsOrder('$expMovingAvg', order);
      noWindow('$expMovingAvg', window);
    },
    run: ({ scopes }, { input, N, alpha }: Named) => {
      const weight = N === undefined ? (alpha as number) : 2 / ((N as number) + 1);
      let average: number | undefined;
      return scopes.map((scope) => {
        const value = scope.value(input);
        if (typeof value === 'number')
          average = average === undefined ? value : value * weight + average * (1 - weight);
        return average ?? null;
      });
    },
  },
  $derivative: overTime('$derivative', (points) => {
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last || points.length < 2 || last.x === first.x) return null;
    return (last.y - first.y) / (last.x - first.x);
  }),
  $integral: overTime('$integral', (points) =>
    points.slice(1).reduce((area, point, at) => {
      const before = points[at] as Point;
      return area + ((point.y + before.y) / 2) * (point.x - before.x);
    }, 0),
  ),
  $locf: {
    check: (_operand, _order, window) => noWindow('$locf', window),
    run: ({ scopes }, operand: unknown) => {
      let last: unknown = null;
      return scopes.map((scope) => {
        last = scope.value(operand) ?? last;
        return last;
      });
    },
  },
  $linearFill: {
    check: (_operand, order, window) => {
      needsOrder('$linearFill', order, 1);
      noWindow('$linearFill', window);
    },
    run: ({ scopes, keys }, operand: unknown) =>
      filled(
        scopes.map((scope) => scope.value(operand)),
        keys.map(Number),
      ),
  },
};

interface Point {
  readonly x: number;
  readonly y: number;
}

const MILLIS: Readonly<Partial<Record<Unit, number>>> = {
  week: 604_800_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
};

function overTime(
  name: string,
  apply: (points: readonly Point[]) => number | null,
): WindowFunction {
  const names = namesChecker(name, ['input!', 'unit']);
  return {
    check: (operand, order, window) => {
      const { unit } = names(operand);
      if (unit !== undefined && MILLIS[unit as Unit] === undefined)
        refuse(name, `one of ${UNITS.slice(3).join(', ')}`, describe(unit));
      needsOrder(name, order, 1);
      if (name === '$derivative' && !window) refuse(name, 'a window', 'none');
    },
    run: ({ scopes, keys }, { input, unit }: Named, range) =>
      scopes.map((_, at) => {
        const [from, to] = range(at);
        const points: Point[] = [];
        for (let place = from; place < to; place++) {
          const y = scopes[place]?.value(input);
          const x = position(keys[place], unit as Unit | undefined, name);
          if (typeof y === 'number') points.push({ x, y });
        }
        return apply(points);
      }),
  };
}

/** Dates count in units; numbers as they are. */
function position(key: unknown, unit: Unit | undefined, name: string): number {
  if (key instanceof Date) {
    if (unit === undefined) refuse(name, 'a unit for dates', 'none');
    return key.getTime() / (MILLIS[unit] as number);
  }
  if (typeof key !== 'number' || unit !== undefined)
    refuse(name, unit === undefined ? 'numbers to sort by' : 'dates to sort by', describe(key));
  return key;
}

/** Straight lines between what is known, along the sort. */
function filled(values: readonly unknown[], keys: readonly number[]): unknown[] {
  return values.map((value, at) => {
    if (!isNil(value)) return value;
    const before = values.findLastIndex((other, place) => place < at && !isNil(other));
    const after = values.findIndex((other, place) => place > at && !isNil(other));
    if (before < 0 || after < 0) return null;
    const [x0, x1] = [keys[before] as number, keys[after] as number];
    const [y0, y1] = [values[before] as number, values[after] as number];
    return y0 + ((y1 - y0) * ((keys[at] as number) - x0)) / (x1 - x0);
  });
}
