import { compareValues } from '../../base/order.js';
import { typeTag } from '../../base/value-types.js';
import { isPlainObject, type Value } from '../../base/values.js';
import { evaluate } from '../expression.js';
import { describe, namesChecker, refuse } from '../expressions/operator.js';
import { checkExpressionOperand, Group, type Output, readOutputs } from './group.js';
import type { Document, Stage } from './stage.js';

const NAME = '$bucket';
const checkNames = namesChecker(NAME, ['groupBy!', 'boundaries!', 'default', 'output']);

interface Buckets {
  readonly groupBy: unknown;
  readonly boundaries: readonly Value[];
  readonly otherwise: Value | undefined;
  readonly outputs: readonly Output[];
}

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/bucket/ */
export const bucket: Stage = {
  check: (operand) => void read(operand),
  run: function* (documents, operand, context) {
    const { groupBy, boundaries, otherwise, outputs } = read(operand);
    const groups = new Map<Value, Group>();
    for (const document of documents) {
      const scope = context.scope(document);
      const value = (scope.value(groupBy) ?? null) as Value;
      const id = bucketOf(boundaries, value) ?? otherwise;
      if (id === undefined)
        refuse(NAME, 'values within the boundaries or a default', describe(value));
      const group = groups.get(id) ?? new Group(id, outputs);
      groups.set(id, group);
      group.add(scope);
    }
    const ids = [...groups.keys()].sort(compareValues);
    for (const id of ids) yield (groups.get(id) as Group).result();
  },
};

/** The lower boundary of the bucket that holds a value. */
function bucketOf(boundaries: readonly Value[], value: Value): Value | undefined {
  const at = boundaries.findLastIndex((boundary) => compareValues(boundary, value) <= 0);
  return at >= 0 && at < boundaries.length - 1 ? boundaries[at] : undefined;
}

export const COUNT = { count: { $sum: 1 } };

export function outputOf(output: unknown, place: string): readonly Output[] {
  if (output === undefined) return readOutputs(COUNT, place);
  if (!isPlainObject(output))
    refuse(place, 'an object of accumulators as output', describe(output));
  return readOutputs(output, place);
}

function read(operand: unknown): Buckets {
  const args = checkNames(operand);
  checkExpressionOperand(args.groupBy, NAME);
  const boundaries = readBoundaries(args.boundaries);
  const otherwise = Object.hasOwn(args, 'default') ? constant(args.default) : undefined;
  if (otherwise !== undefined && bucketOf(boundaries, otherwise) !== undefined)
    refuse(NAME, 'a default outside the boundaries', describe(otherwise));
  return { groupBy: args.groupBy, boundaries, otherwise, outputs: outputOf(args.output, NAME) };
}

function readBoundaries(list: unknown): readonly Value[] {
  if (!Array.isArray(list) || list.length < 2)
    refuse(NAME, 'two boundaries or more', describe(list));
  const values = list.map(constant);
  for (let at = 1; at < values.length; at++) {
    const [lower, upper] = [values[at - 1] as Value, values[at] as Value];
    if (typeTag(lower) !== typeTag(upper)) refuse(NAME, 'boundaries of one type', describe(upper));
    if (compareValues(lower, upper) >= 0) refuse(NAME, 'boundaries in order', describe(upper));
  }
  return values;
}

/** What is known without a document. */
function constant(expression: unknown): Value {
  if (typeof expression === 'string' && expression.startsWith('$'))
    refuse(NAME, 'a constant', expression);
  return (evaluate(expression, {} satisfies Document) ?? null) as Value;
}
