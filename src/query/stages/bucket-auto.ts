import { compareValues } from '../../base/order.js';
import type { Value } from '../../base/values.js';
import { describe, namesChecker, refuse, type Scope } from '../expressions/operator.js';
import { outputOf } from './bucket.js';
import { roundDown, roundUp, SERIES } from './granularity.js';
import { checkExpressionOperand, Group, type Output } from './group.js';
import type { Stage } from './stage.js';

const NAME = '$bucketAuto';
const checkNames = namesChecker(NAME, ['groupBy!', 'buckets!', 'output', 'granularity']);

interface Item {
  readonly value: Value;
  readonly scope: Scope;
}

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/bucketAuto/ */
export const bucketAuto: Stage = {
  check: (operand) => void read(operand),
  run: function* (documents, operand, context) {
    const { groupBy, buckets, outputs, granularity } = read(operand);
    const items: Item[] = Array.from(documents, (document) => {
      const scope = context.scope(document);
      const value = (scope.value(groupBy) ?? null) as Value;
      if (granularity) checkNumber(value);
      return { value, scope };
    });
    items.sort((left, right) => compareValues(left.value, right.value));
    yield* divide(items, buckets, outputs, granularity);
  },
};

function* divide(
  items: readonly Item[],
  buckets: number,
  outputs: readonly Output[],
  granularity: string | undefined,
) {
  const size = Math.max(1, Math.round(items.length / buckets));
  let [at, min] = [0, undefined as Value | undefined];
  for (let bucket = 1; at < items.length; bucket++) {
    const first = items[at] as Item;
    let end = bucket >= buckets ? items.length : Math.min(items.length, at + size);
    const last = items[end - 1]?.value as Value;
    const limit = granularity ? roundUp(granularity, last as number) : undefined;
    const belongs = (value: Value) =>
      limit === undefined ? compareValues(value, last) === 0 : (value as number) < limit;
    while (end < items.length && belongs(items[end]?.value as Value)) end++;
    min ??= granularity ? roundDown(granularity, first.value as number) : first.value;
    const max = limit ?? (items[end]?.value as Value | undefined) ?? last;
    yield filled({ min, max }, items.slice(at, end), outputs);
    [at, min] = [end, max];
  }
}

function filled(id: object, items: readonly Item[], outputs: readonly Output[]) {
  const group = new Group(id, outputs);
  for (const { scope } of items) group.add(scope);
  return group.result();
}

function checkNumber(value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value))
    refuse(NAME, 'numbers from 0 with a granularity', describe(value));
}

function read(operand: unknown) {
  const { groupBy, buckets, output, granularity } = checkNames(operand);
  checkExpressionOperand(groupBy, NAME);
  if (!Number.isInteger(buckets) || (buckets as number) < 1 || (buckets as number) > 0x7fffffff)
    refuse(NAME, 'a positive whole number of buckets', describe(buckets));
  if (
    granularity !== undefined &&
    (typeof granularity !== 'string' || !Object.hasOwn(SERIES, granularity))
  )
    refuse(NAME, `a granularity of ${Object.keys(SERIES).join(', ')}`, describe(granularity));
  return {
    groupBy,
    buckets: buckets as number,
    outputs: outputOf(output, NAME),
    granularity: granularity as string | undefined,
  };
}
