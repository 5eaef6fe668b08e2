import type { Document, NewDocument } from '../base/document.js';
import { compareValues } from '../base/order.js';
import type { Value } from '../base/values.js';
import { applyUpdate, checkUpdate } from '../query/update.js';
import { upsertBase } from '../query/upsert-base.js';
import type { Target, Update, UpdateOptions } from './contract.js';

/** What an update needs to know beside the document. */
export interface UpdateFacts {
  readonly target: Target;
  readonly options: UpdateOptions;
  /** Milliseconds since the epoch, for `$currentDate` and `$$NOW`. */
  readonly nowMs: number;
}

/**
 * The document after the update, without its revision's check; undefined when the
 * update changes nothing.
 *
 * @throws {JdbxError} INVALID_UPDATE
 */
export function updated(
  document: Document,
  update: Update,
  { target, options, nowMs }: UpdateFacts,
): NewDocument | undefined {
  const next = applyUpdate(document, update, {
    arrayFilters: options.arrayFilters,
    ...(typeof target === 'string' ? {} : { filter: target }),
    now: nowMs,
  });
  if (compareValues(document as Value, next as Value) === 0) return undefined;
  return withoutRev(next);
}

/** Refuses a malformed update, also one that would find nothing to change. @throws {JdbxError} INVALID_UPDATE */
export function checkedUpdate(update: Update, { options, nowMs }: UpdateFacts): void {
  checkUpdate(update, { arrayFilters: options.arrayFilters, now: nowMs });
}

/** The document that an upsert makes when its target finds none. */
export function upserted(
  target: Target,
  update: Update,
  { options, nowMs }: UpdateFacts,
): NewDocument {
  const base = typeof target === 'string' ? { _id: target } : upsertBase(target);
  return withoutRev(
    applyUpdate(base, update, {
      arrayFilters: options.arrayFilters,
      now: nowMs,
      inserting: true,
    }),
  );
}

function withoutRev(document: object): NewDocument {
  const { _rev, ...rest } = document as Document;
  return rest as NewDocument;
}
