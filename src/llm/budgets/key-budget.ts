import type { NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Draft } from '../../documents/draft.js';
import { takeDocument } from '../../documents/take-document.js';
import type { Budget } from './budget-document.js';

/** What every key may spend that has no budget of its own. */
export const ANY_KEY = 'budget:key:*';

/**
 * The budget of a key: of a tenant, a user, an API key, whoever a run is made for. A key that
 * has none gets one like `budget:key:*`, as a part of the same wider budget.
 *
 * @throws {JdbxError} MISSING_DOCUMENT when neither is there: a key without a bound is a mistake
 */
export function budgetOfKey(draft: Draft, key: string): string {
  const id = `budget:key:${key}`;
  if (draft.get(id)?._type === 'budget') return id;
  const pattern = draft.get(ANY_KEY) as Budget | undefined;
  if (pattern?._type !== 'budget') {
    const text = `expected the budget ${id}, or ${ANY_KEY} for every key`;
    throw new JdbxError('MISSING_DOCUMENT', text, { path: 'budgetKey', details: { id } });
  }
  const { _rev, spent, reserved, window_start, ...fields } = pattern;
  draft.insert(takeDocument({ ...fields, _id: id, key } as unknown as NewDocument));
  return id;
}
