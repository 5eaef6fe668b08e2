import { Context } from 'mingo/core';
import * as queries from 'mingo/operators/query';
import { update as mingoUpdate } from 'mingo/updater';
import { JdbxError } from '../base/errors.js';
import { compareValues } from '../base/order.js';
import { describeType, isPlainObject, type Value, type ValueObject } from '../base/values.js';
import { ARRAY_UPDATES } from './array-updates.js';
import { makeOptions, operatorsOf } from './mingo-operators.js';
import { thaw } from './thaw.js';
import { checkAgainstDocument, valueAt } from './update-check.js';
import { readUpdate, refuseUpdate, type UpdateOperators } from './update-operators.js';
import { updateByPipeline } from './update-pipeline.js';
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

/** No expressions: update operators take none, and mingo copies all that there are at each update. */
const OPTIONS = makeOptions(Context.init({ query: operatorsOf(queries) as never }));
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
  if (!isPlainObject(update)) {
    refuseUpdate('', `expected update operators or stages, got ${describeType(update)}`);
  }
  const operators = readUpdate(update, options);
  const concrete = expandPositions(document, operators, options);
  checkAgainstDocument(document, concrete);
  return applyOperators(thaw(document) as Record<string, unknown>, concrete);
}

function applyOperators(
  document: Record<string, unknown>,
  operators: UpdateOperators,
): ValueObject {
  try {
    mingoUpdate(
      document,
      thaw(withArraysSet(document, operators)) as object,
      [],
      {},
      { cloneMode: 'deep', queryOptions: OPTIONS },
    );
  } catch (cause) {
    if (cause instanceof JdbxError && cause.code === 'INVALID_UPDATE') throw cause;
    throw new JdbxError('INVALID_UPDATE', (cause as Error).message, { cause });
  }
  return document as ValueObject;
}

/** Array operators become assignments of the whole array, by our order and our filters. */
function withArraysSet(document: unknown, operators: UpdateOperators): UpdateOperators {
  const out: Record<string, Record<string, Value>> = {};
  for (const [operator, operands] of Object.entries(operators)) {
    const change = ARRAY_UPDATES[operator];
    for (const [path, operand] of Object.entries(operands)) {
      const value = change
        ? change(valueAt(document, path) as Value[] | undefined, operand)
        : operand;
      if (value === undefined) continue;
      const target = change ? '$set' : operator;
      out[target] ??= {};
      out[target][path] = value;
    }
  }
  return out;
}

/** What identifies a document is not an update's to change; a pipeline that drops it gets it back. */
function withIdentity(before: ValueObject, after: ValueObject): ValueObject {
  const lost: Record<string, Value> = {};
  for (const key of IDENTITY) {
    if (before[key] === undefined) continue;
    if (after[key] === undefined) lost[key] = before[key];
    else if (compareValues(after[key], before[key]) !== 0) {
      refuseUpdate(key, `${key} cannot be changed`);
    }
  }
  return { ...lost, ...after };
}
