import { compareValues } from '../../base/order.js';
import type { Value } from '../../base/values.js';
import { isPlainObject } from '../../base/values.js';
import {
  describe,
  isNil,
  type Named,
  namesChecker,
  refuse,
  type Scope,
} from '../expressions/operator.js';
import { compareFields, readSort, type Sortable, sortableMaker } from '../sort.js';
import type { Accumulator, Accumulators } from './accumulator.js';

/** Accumulators that choose some of the documents, or one. */
export const CHOOSING_ACCUMULATORS: Accumulators = {
  $firstN: several('$firstN', (values, n) => values.slice(0, n)),
  $lastN: several('$lastN', (values, n) => values.slice(-n)),
  $minN: several('$minN', (values, n) => known(values).sort(compareValues).slice(0, n)),
  $maxN: several('$maxN', (values, n) =>
    known(values)
      .sort((a, b) => compareValues(b, a))
      .slice(0, n),
  ),
  $top: ranked('$top', false, 1),
  $bottom: ranked('$bottom', false, -1),
  $topN: ranked('$topN', true, 1),
  $bottomN: ranked('$bottomN', true, -1),
};

const known = (values: readonly unknown[]) => values.filter((value) => !isNil(value)) as Value[];

function countOf(n: unknown, name: string): number {
  if (!Number.isInteger(n) || (n as number) < 1) refuse(name, 'a positive whole n', describe(n));
  return n as number;
}

function several(
  name: string,
  pick: (values: readonly unknown[], n: number) => readonly unknown[],
): Accumulator {
  const check = namesChecker(name, ['input!', 'n!']);
  return {
    check: (operand) => {
      const { n } = check(operand);
      if (typeof n === 'number') countOf(n, name);
    },
    begin: (operand) => {
      const { input, n } = operand as Named;
      const values: unknown[] = [];
      let count: unknown;
      return {
        add: (scope) => {
          count ??= countOf(scope.value(n), name);
          values.push(scope.value(input) ?? null);
        },
        result: () => pick(values, (count as number | undefined) ?? 1),
      };
    },
  };
}

/** By a sort of the documents; `end` says from which end of it to take. */
function ranked(name: string, many: boolean, end: 1 | -1): Accumulator {
  const check = namesChecker(name, ['sortBy!', 'output!', ...(many ? ['n!'] : [])]);
  return {
    check: (operand) => {
      const { sortBy, n } = check(operand);
      if (!isPlainObject(sortBy) || !readSort(sortBy))
        refuse(name, 'paths to sort by', describe(sortBy));
      if (typeof n === 'number') countOf(n, name);
    },
    begin: (operand) => {
      const { sortBy, output, n } = operand as Named;
      const order = fullOrder(sortBy);
      const sortable = sortableMaker(order);
      const items: Sortable<unknown>[] = [];
      let count: unknown;
      return {
        add: (scope) => {
          if (many) count ??= countOf(scope.value(n), name);
          const { values } = sortable(rootOf(scope));
          items.push({ document: scope.value(output) ?? null, id: undefined, values });
        },
        result: () => {
          const sorted = items.sort(compareFields(order)).map((item) => item.document);
          if (!many) return (end === 1 ? sorted[0] : sorted.at(-1)) ?? null;
          const most = (count as number | undefined) ?? 1;
          return end === 1 ? sorted.slice(0, most) : sorted.slice(-most);
        },
      };
    },
  };
}

function rootOf(scope: Scope): unknown {
  return scope.value('$$ROOT');
}

function fullOrder(sortBy: unknown) {
  const order = readSort(sortBy);
  if (!order) return refuse('sortBy', 'paths to sort by', 'none');
  const fields = order.byId
    ? [...order.fields, { path: '_id', direction: order.idDirection }]
    : order.fields;
  return { ...order, fields };
}
