import { type ErrorCode, JdbxError } from '../base/errors.js';
import type { Draft } from '../documents/draft.js';
import { takeMade } from '../documents/take-document.js';
import { intentId } from './run-document.js';

/** The call was never sent, or its provider says that it did nothing: another one is no second. */
const NOTHING_HAPPENED = new Set<ErrorCode>([
  'CREDENTIAL_MISSING',
  'INVALID_INTEGRATION',
  'MODEL_RATE_LIMITED',
  'MODEL_REFUSED',
  'RECORDING_MISSING',
]);

/** Providers after which a fallback may be asked without risking a second effect. */
export function nothingHappened(error: unknown): boolean {
  return error instanceof JdbxError && NOTHING_HAPPENED.has(error.code);
}

/**
 * Writes down, before an at-most-once call, that it is about to be made. The note goes
 * with the stage's commit; one that is found before means that an earlier call was made
 * and nobody knows how it ended.
 *
 * @throws {JdbxError} OUTCOME_UNKNOWN
 */
export function announceCall(draft: Draft, run: string, path: string): void {
  const _id = intentId(run, path);
  if (draft.get(_id)) {
    throw new JdbxError('OUTCOME_UNKNOWN', 'expected to know how an earlier call ended', {
      path,
      details: { run },
    });
  }
  draft.insert(takeMade({ _id, _type: 'intent', run, path }));
}

/** Takes the note away, once the call's outcome is stored or nothing came of it. */
export function withdrawCall(draft: Draft, run: string, path: string): void {
  draft.remove(intentId(run, path));
}
