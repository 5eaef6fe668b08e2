import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import { checkExpression } from './check-expression.js';
import { ACCUMULATOR_OPERATORS } from './mingo-operators.js';
import { parseFilter } from './parse-filter.js';
import { readSort } from './sort.js';
import { STAGES } from './stages.js';

export type PipelineStage = Readonly<Record<string, unknown>>;

const NESTING_MAX = 20;

/**
 * Checks an aggregation pipeline without running it.
 *
 * @throws {JdbxError} INVALID_EXPRESSION at `pipeline.N…`; INVALID_FILTER inside `$match`
 */
export function checkPipeline(
  pipeline: unknown,
  path = 'pipeline',
  depth = 0,
): asserts pipeline is readonly PipelineStage[] {
  if (depth > NESTING_MAX) refuse(path, `expected at most ${NESTING_MAX} levels of pipelines`);
  if (!Array.isArray(pipeline))
    refuse(path, `expected an array of stages, got ${describeType(pipeline)}`);
  for (const [at, stage] of pipeline.entries()) checkStage(stage, at, `${path}.${at}`, depth);
}

function checkStage(stage: unknown, at: number, path: string, depth: number): void {
  if (!isPlainObject(stage)) refuse(path, `expected a stage object, got ${describeType(stage)}`);
  const keys = Object.keys(stage);
  const [name] = keys;
  if (name === undefined || keys.length > 1) refuse(path, `expected one stage, got ${keys.length}`);
  if (name === '$out' || name === '$merge') {
    refuse(path, `${name} is not here: write results with put for now`);
  }
  if (!Object.hasOwn(STAGES, name)) refuse(path, `unknown stage ${name}`);
  if (name === '$documents' && at > 0) refuse(path, '$documents must come first');
  CHECKS[name]?.(stage[name], `${path}.${name}`, depth);
}

type Check = (operand: unknown, path: string, depth: number) => void;

const checkValues: Check = (operand, path) => {
  if (!isPlainObject(operand)) refuse(path, `expected an object, got ${describeType(operand)}`);
  for (const [key, value] of Object.entries(operand)) checkExpression(value, `${path}.${key}`);
};

const checkNested: Check = (operand, path, depth) => {
  if (!isPlainObject(operand) || operand.pipeline === undefined) return;
  checkPipeline(operand.pipeline, `${path}.pipeline`, depth + 1);
};

const checkFacets: Check = (operand, path, depth) => {
  if (!isPlainObject(operand)) refuse(path, `expected an object, got ${describeType(operand)}`);
  for (const [key, inner] of Object.entries(operand))
    checkPipeline(inner, `${path}.${key}`, depth + 1);
};

const checkGroup: Check = (operand, path) => {
  if (!isPlainObject(operand)) refuse(path, `expected an object, got ${describeType(operand)}`);
  if (!Object.hasOwn(operand, '_id')) refuse(path, 'expected an _id to group by, got none');
  for (const [key, value] of Object.entries(operand)) {
    if (key !== '_id') checkAccumulator(value, `${path}.${key}`);
    checkExpression(value, `${path}.${key}`);
  }
};

function checkAccumulator(value: unknown, path: string): void {
  const name = isPlainObject(value) ? Object.keys(value)[0] : undefined;
  if (name === undefined || !Object.hasOwn(ACCUMULATOR_OPERATORS, name)) {
    refuse(path, `expected an accumulator such as { $sum: 1 }, got ${name ?? describeType(value)}`);
  }
}

const checkCount: Check = (operand, path) => {
  if (typeof operand !== 'number' || !Number.isSafeInteger(operand) || operand < 0) {
    refuse(path, `expected a whole number from 0, got ${String(operand)}`);
  }
};

const checkLimit: Check = (operand, path, depth) => {
  checkCount(operand, path, depth);
  if (operand === 0) refuse(path, 'expected a positive number, got 0');
};

const checkSort: Check = (operand, path) => {
  try {
    if (readSort(operand)) return;
  } catch (cause) {
    throw new JdbxError('INVALID_EXPRESSION', (cause as Error).message, { path, cause });
  }
  refuse(path, 'expected paths to sort by, got none');
};

const CHECKS: Readonly<Record<string, Check>> = {
  $match: (operand, path) => void parseFilter(operand, path),
  $addFields: checkValues,
  $set: checkValues,
  $replaceRoot: checkValues,
  $replaceWith: (operand, path) => checkExpression(operand, path),
  $group: checkGroup,
  $sort: checkSort,
  $skip: checkCount,
  $limit: checkLimit,
  $lookup: checkNested,
  $unionWith: checkNested,
  $facet: checkFacets,
};

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_EXPRESSION', text, { path });
}
