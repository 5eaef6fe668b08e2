import { isPlainObject } from '../../base/values.js';
import { describe, namesChecker, refuse } from '../expressions/operator.js';
import { checkFieldPath } from '../field-paths.js';
import type { Document, Stage } from './stage.js';

const NAME = '$fill';
const checkNames = namesChecker(NAME, ['partitionBy', 'partitionByFields', 'sortBy', 'output!']);
const checkOutput = namesChecker(NAME, ['value', 'method']);
const METHODS: Readonly<Record<string, string>> = { linear: '$linearFill', locf: '$locf' };

/** Gives missing and null fields a value: one that is said, or one made from their neighbours'. */
export const fill: Stage = {
  check: (operand) => void stagesOf(operand),
  run: (documents, operand, context) => context.run(stagesOf(operand), documents),
};

/** The same work as stages that set fields over windows. */
function stagesOf(operand: unknown): readonly Document[] {
  const { output, sortBy, ...parts } = checkNames(operand);
  if (!isPlainObject(output) || Object.keys(output).length === 0)
    refuse(NAME, 'an object of fields as output', describe(output));
  const values: Record<string, unknown> = {};
  const windows: Record<string, unknown> = {};
  for (const [path, given] of Object.entries(output)) {
    checkFieldPath(path, NAME);
    const { value, method } = checkOutput(given);
    if ((method === undefined) === (value === undefined)) refuse(NAME, 'a value or a method', path);
    if (method === undefined) values[path] = { $ifNull: [`$${path}`, value] };
    else windows[path] = { [methodOf(method)]: `$${path}` };
  }
  const window = { partitionBy: partOf(parts), ...(sortBy ? { sortBy } : {}), output: windows };
  return [
    ...(Object.keys(windows).length > 0 ? [{ $setWindowFields: window }] : sorted(sortBy)),
    ...(Object.keys(values).length > 0 ? [{ $set: values }] : []),
  ];
}

function methodOf(method: unknown): string {
  if (typeof method !== 'string' || !Object.hasOwn(METHODS, method))
    refuse(NAME, `one of ${Object.keys(METHODS).join(', ')}`, describe(method));
  return METHODS[method] as string;
}

function sorted(sortBy: unknown): readonly Document[] {
  return sortBy === undefined ? [] : [{ $sort: sortBy }];
}

function partOf({ partitionBy, partitionByFields: fields }: Document): unknown {
  if (fields === undefined) return partitionBy ?? null;
  if (partitionBy !== undefined) refuse(NAME, 'partitionBy or partitionByFields', 'both');
  if (!Array.isArray(fields)) refuse(NAME, 'an array as partitionByFields', describe(fields));
  for (const field of fields) checkFieldPath(field, NAME);
  return Object.fromEntries(fields.map((field, at) => [`part${at}`, `$${field}`]));
}
