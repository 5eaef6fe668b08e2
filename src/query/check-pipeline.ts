import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import { checkExpression, refuse } from './check-expression.js';
import { isFieldName } from './field-paths.js';
import { parseFilter } from './parse-filter.js';
import { STAGES } from './stages/all.js';

export type PipelineStage = Readonly<Record<string, unknown>>;

const NESTING_MAX = 20;
const STAGES_MAX = 1_000;
/** How deep a pipeline nests as data, as in MongoDB. */
const LEVELS_MAX = 200;

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
  if (pipeline.length > STAGES_MAX)
    refuse(path, `expected at most ${STAGES_MAX} stages, got ${pipeline.length}`);
  if (depth === 0 && !nestsWithin(pipeline, LEVELS_MAX))
    refuse(path, `expected at most ${LEVELS_MAX} levels of nesting`);
  for (const [at, stage] of pipeline.entries()) checkStage(stage, at, `${path}.${at}`, depth);
}

/** Whether objects and arrays lie in each other at most so many levels deep. */
function nestsWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  return Object.values(value).every((item) => nestsWithin(item, levels - 1));
}

function checkStage(stage: unknown, at: number, path: string, depth: number): void {
  if (!isPlainObject(stage)) refuse(path, `expected a stage object, got ${describeType(stage)}`);
  const keys = Object.keys(stage);
  const [name] = keys;
  if (name === undefined || keys.length > 1) refuse(path, `expected one stage, got ${keys.length}`);
  if (name === '$out' || name === '$merge') {
    refuse(path, `${name} must come last, where writing is possible: not in a snapshot or a guest`);
  }
  if (!Object.hasOwn(STAGES, name)) refuse(path, `unknown stage ${name}`);
  if (name === '$documents' && at > 0) refuse(path, '$documents must come first');
  checkOperand(name, stage[name], `${path}.${name}`, depth);
}

function checkOperand(name: string, operand: unknown, path: string, depth: number): void {
  if (name === '$match') return void parseFilter(operand, path);
  try {
    STAGES[name]?.check(operand);
  } catch (cause) {
    throw refusedAt(path, name, cause as Error);
  }
  if (name === '$group') checkGroup(operand as PipelineStage, path);
  if (EXPRESSIONS.has(name)) checkExpressions(operand, path);
  if (name === '$facet') checkFacets(operand as PipelineStage, path, depth);
  const nested = isPlainObject(operand) ? operand.pipeline : undefined;
  if (NESTING.has(name) && nested !== undefined)
    checkPipeline(nested, `${path}.pipeline`, depth + 1);
}

/** The error of a stage's own check, at its place in the pipeline. */
function refusedAt(path: string, name: string, cause: Error): JdbxError {
  const inner = cause instanceof JdbxError ? (cause.path ?? '') : '';
  const place = inner.startsWith(name) ? path + inner.slice(name.length) : path;
  const text = cause.message.replace(/^[A-Z_]+( at [^:]*)?: /, '');
  return new JdbxError('INVALID_EXPRESSION', text, { path: place, cause });
}

/** Stages whose operand holds expressions and nothing that looks like one. */
const EXPRESSIONS = new Set([
  '$addFields',
  '$set',
  '$replaceRoot',
  '$replaceWith',
  '$redact',
  '$sortByCount',
  '$project',
]);
const NESTING = new Set(['$lookup', '$unionWith']);

function checkExpressions(operand: unknown, path: string): void {
  const names = isPlainObject(operand) ? Object.keys(operand) : ['$'];
  if (names.some((name) => name.startsWith('$') && !isFieldName(name)))
    checkExpression(operand, path);
  else
    for (const [key, value] of Object.entries(operand as object))
      checkExpression(value, `${path}.${key}`);
}

/** The accumulators were checked by the stage; what they take is an expression. */
function checkGroup({ _id, ...outputs }: PipelineStage, path: string): void {
  checkExpression(_id, `${path}._id`);
  for (const [name, accumulator] of Object.entries(outputs)) {
    for (const [key, operand] of Object.entries(accumulator as object))
      checkExpression(operand, `${path}.${name}.${key}`);
  }
}

function checkFacets(operand: PipelineStage, path: string, depth: number): void {
  for (const [key, inner] of Object.entries(operand))
    checkPipeline(inner, `${path}.${key}`, depth + 1);
}
