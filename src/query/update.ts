import { JdbxError } from '../base/errors.js';
import { compareValues } from '../base/order.js';
import {
  describeType,
  isPlainObject,
  takeValue,
  type Value,
  type ValueObject,
} from '../base/values.js';
import { thaw } from './thaw.js';
import { applyChanges } from './update-apply.js';
import { checkAgainstDocument } from './update-check.js';
import { readUpdate, refuseUpdate, type UpdateOperators } from './update-operators.js';
import { checkUpdatePipeline, updateByPipeline } from './update-pipeline.js';
import { expandPositions } from './update-positions.js';

export interface UpdateOptions {
  /** What `$[name]` stands for: one filter a name, over `name` or `name.path`. */
  readonly arrayFilters?: readonly unknown[] | undefined;
  /** The filter that found the document; needed for the positional `$`. */
  readonly filter?: unknown;
  /** What `$currentDate` and `$$NOW` are, in milliseconds since the epoch. */
  readonly now: number;
  /** True when the document is being made by an upsert, so `$setOnInsert` counts. Default false. */
  readonly inserting?: boolean | undefined;
}

/**
 * Checks an update as far as that goes without a document: operators, paths, operands, stages.
 *
 * @throws {JdbxError} INVALID_UPDATE
 */
export function checkUpdate(update: unknown, options: UpdateOptions): void {
  if (Array.isArray(update)) checkUpdatePipeline(update);
  else readOperators(update, options);
}

function readOperators(update: unknown, options: UpdateOptions): UpdateOperators {
  if (!isPlainObject(update)) {
    refuseUpdate('', `expected update operators or stages, got ${describeType(update)}`);
  }
  return readUpdate(update, options);
}

const IDENTITY = ['_id', '_type', '_rev'] as const;

/**
 * A new document with an update applied: operators, or an array of `$set`,
 * `$unset`, `$project`, `$replaceWith` … stages. The input, which may be deeply
 * frozen, stays as it is.
 *
 * @throws {JdbxError} INVALID_UPDATE, naming the operator and the path
 */
export function applyUpdate(
  document: ValueObject,
  update: unknown,
  options: UpdateOptions,
): ValueObject {
  const updated = Array.isArray(update)
    ? updateByPipeline(document, update, options.now)
    : updateByOperators(document, update, options);
  return withIdentity(document, thaw(updated));
}

function updateByOperators(
  document: ValueObject,
  update: unknown,
  options: UpdateOptions,
): ValueObject {
  const operators = readOperators(update, options);
  const concrete = expandPositions(document, operators, options);
  checkAgainstDocument(document, concrete);
  return applyOperators(thaw(document) as Record<string, unknown>, concrete);
}

function applyOperators(
  document: Record<string, unknown>,
  operators: UpdateOperators,
): ValueObject {
  applyChanges(document, thaw(operators));
  return takeUpdated(document);
}

/** What the operators made must be a document again: a sum may have passed what a number holds. */
function takeUpdated(document: unknown): ValueObject {
  try {
    return takeValue(document) as ValueObject;
  } catch (cause) {
    const { path, message } = cause as JdbxError;
    throw new JdbxError('INVALID_UPDATE', message, { path, cause });
  }
}

/** What identifies a document is not an update's to change; a pipeline that drops it gets it back. */
function withIdentity(before: ValueObject, after: ValueObject): ValueObject {
  const lost: Record<string, Value> = {};
  for (const key of IDENTITY) {
    if (before[key] === undefined) continue;
    if (after[key] === undefined) lost[key] = before[key];
    else if (compareValues(after[key], before[key]) !== 0) {
      refuseUpdate(`$set.${key}`, `${key} cannot be changed`);
    }
  }
  return { ...lost, ...after };
}
