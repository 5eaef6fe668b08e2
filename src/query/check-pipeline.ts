import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import { checkExpression } from './check-expression.js';
import { parseFilter } from './parse-filter.js';
import { STAGES } from './stages/all.js';

export type PipelineStage = Readonly<Record<string, unknown>>;

const NESTING_MAX = 20;
const STAGES_MAX = 1_000;

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
  checkOperand(name, stage[name], `${path}.${name}`, depth);
}

function checkOperand(name: string, operand: unknown, path: string, depth: number): void {
  if (name === '$match') return void parseFilter(operand, path);
  try {
    STAGES[name]?.check(operand);
  } catch (cause) {
    throw refusedAt(path, name, cause as Error);
  }
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
  '$group',
  '$redact',
  '$sortByCount',
  '$project',
]);
const NESTING = new Set(['$lookup', '$unionWith']);

function checkExpressions(operand: unknown, path: string): void {
  const fields = isPlainObject(operand) && !Object.keys(operand)[0]?.startsWith('$');
  if (!fields) checkExpression(operand, path);
  else for (const [key, value] of Object.entries(operand)) checkExpression(value, `${path}.${key}`);
}

function checkFacets(operand: PipelineStage, path: string, depth: number): void {
  for (const [key, inner] of Object.entries(operand))
    checkPipeline(inner, `${path}.${key}`, depth + 1);
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_EXPRESSION', text, { path });
}
