import { JdbxError } from '../base/errors.js';
import { isPlainObject } from '../base/values.js';
import { describe, namesChecker, refuse } from './expressions/operator.js';
import { checkVariable } from './expressions/variables.js';
import { checkFieldPath } from './field-paths.js';
import { checkUpdatePipeline } from './update-pipeline.js';

/** Where the results of a pipeline go, when its last stage is `$out` or `$merge`. */
export type Output = ReplaceOutput | MergeOutput;

/** `$out`: the results become all that there is of a type. */
export interface ReplaceOutput {
  readonly kind: 'out';
  readonly type: string;
}

/** `$merge`: each result meets the document of the type that has the same values in `on`. */
export interface MergeOutput {
  readonly kind: 'merge';
  readonly type: string;
  readonly on: readonly string[];
  readonly whenMatched: 'replace' | 'keepExisting' | 'merge' | 'fail' | readonly unknown[];
  readonly whenNotMatched: 'insert' | 'discard' | 'fail';
  /** Variables of a `whenMatched` pipeline; `$$new` is the result. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** True when a pipeline asks for its results to be written. */
export function hasOutput(pipeline: unknown): boolean {
  const last = Array.isArray(pipeline) ? pipeline.at(-1) : undefined;
  return isPlainObject(last) && ('$out' in last || '$merge' in last);
}

/**
 * Takes the last stage off a pipeline, where it says where the results go.
 *
 * @throws {JdbxError} INVALID_EXPRESSION at `pipeline.N.$merge…`
 */
export function splitOutput<S>(pipeline: readonly S[]): {
  readonly stages: readonly S[];
  readonly output: Output | undefined;
} {
  if (!hasOutput(pipeline)) return { stages: pipeline, output: undefined };
  const at = pipeline.length - 1;
  const stage = pipeline[at] as Record<string, unknown>;
  const name = '$out' in stage ? '$out' : '$merge';
  const place = `pipeline.${at}`;
  if (Object.keys(stage).length > 1) refuse(place, 'one stage', Object.keys(stage).join(', '));
  const read = name === '$out' ? readReplace : readMerge;
  return { stages: pipeline.slice(0, at), output: read(stage[name], `${place}.${name}`) };
}

function readReplace(operand: unknown, place: string): Output {
  return { kind: 'out', type: readType(operand, place) };
}

/** A type, also written as MongoDB's `{ db, coll }`, without a database: there is one. */
function readType(operand: unknown, place: string): string {
  if (!isPlainObject(operand)) {
    if (typeof operand === 'string' && operand !== '') return operand;
    return refuse(place, 'a type', describe(operand));
  }
  if ('db' in operand) refuse(`${place}.db`, 'no database: there is one', describe(operand.db));
  for (const key of Object.keys(operand)) if (key !== 'coll') refuse(place, 'coll', key);
  return typeof operand.coll === 'string'
    ? readType(operand.coll, place)
    : refuse(place, 'a type as coll', describe(operand.coll));
}

const MATCHED = ['replace', 'keepExisting', 'merge', 'fail'] as const;
const NOT_MATCHED = ['insert', 'discard', 'fail'] as const;
const mergeNames = namesChecker('$merge', ['into!', 'on', 'let', 'whenMatched', 'whenNotMatched']);

function readMerge(operand: unknown, place: string): Output {
  const spec = typeof operand === 'string' ? { into: operand } : mergeNames(operand);
  const { whenMatched = 'merge', whenNotMatched = 'insert' } = spec;
  const isPipeline = Array.isArray(whenMatched);
  if (isPipeline) checkStages(whenMatched, `${place}.whenMatched`);
  else if (!isOneOf(whenMatched, MATCHED))
    refuse(`${place}.whenMatched`, `${MATCHED.join(', ')} or stages`, String(whenMatched));
  if (!isOneOf(whenNotMatched, NOT_MATCHED))
    refuse(`${place}.whenNotMatched`, NOT_MATCHED.join(', '), String(whenNotMatched));
  if (spec.let !== undefined && !isPipeline)
    refuse(`${place}.let`, 'whenMatched to be stages', String(whenMatched));
  return {
    kind: 'merge',
    type: readType(spec.into, `${place}.into`),
    on: readOn(spec.on, `${place}.on`),
    whenMatched,
    whenNotMatched,
    variables: readVariables(spec.let, `${place}.let`),
  };
}

function isOneOf<T extends string>(value: unknown, all: readonly T[]): value is T {
  return all.includes(value as T);
}

function checkStages(stages: readonly unknown[], place: string): void {
  try {
    checkUpdatePipeline(stages);
  } catch (cause) {
    throw new JdbxError('INVALID_EXPRESSION', (cause as Error).message, { path: place, cause });
  }
}

function readOn(on: unknown, place: string): readonly string[] {
  const paths = on === undefined ? ['_id'] : Array.isArray(on) ? on : [on];
  if (paths.length === 0) refuse(place, 'a path or several', 'none');
  for (const path of paths) checkFieldPath(path, place);
  if (new Set(paths).size < paths.length) refuse(place, 'different paths', 'one twice');
  return paths as string[];
}

function readVariables(given: unknown, place: string): Readonly<Record<string, unknown>> {
  if (given === undefined) return { new: '$$ROOT' };
  if (!isPlainObject(given)) refuse(place, 'an object of variables', describe(given));
  for (const name of Object.keys(given)) if (name !== 'new') checkVariable(name, place);
  return { new: '$$ROOT', ...given };
}
