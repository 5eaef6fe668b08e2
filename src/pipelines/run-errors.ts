import { describeThrown, type ErrorCode, isJdbxError, JdbxError } from '../base/errors.js';
import type { PartialResult, RunDocument, RunError } from './run-document.js';
import { StageFailure } from './stage-failure.js';

/** Why a run was told to stop: a reason that is ours stays as it is. */
export function cancelled(id: string, reason: unknown): JdbxError {
  if (isJdbxError(reason, 'RUN_CANCELLED', 'STORE_CLOSED')) return reason;
  return new JdbxError('RUN_CANCELLED', `${id} was cancelled: ${describeThrown(reason)}`, {
    cause: reason,
  });
}

/** What the run document says of a failure. */
export function failureFacts(reason: unknown, stage: string | undefined): RunError {
  return {
    code: reason instanceof JdbxError ? reason.code : 'UNKNOWN',
    message: describeThrown(reason),
    ...(stage === undefined ? {} : { stage }),
  };
}

/** What `db.run` throws: names the stage and the code, its cause is what the stage threw. */
export function runFailed(
  run: string,
  error: RunError,
  cause?: unknown,
  partial?: PartialResult,
): JdbxError {
  const { code, message, stage } = error;
  const place = stage === undefined ? '' : ` at stage ${stage}`;
  return new JdbxError('RUN_FAILED', `${run} failed${place}: ${message}`, {
    cause,
    details: { run, stage, code, ...(partial === undefined ? {} : { partial }) },
  });
}

/** The error of a run that ended before it was asked for again. */
export function endedBadly({ _id, status, error, partial }: RunDocument): JdbxError {
  if (status === 'cancelled') return new JdbxError('RUN_CANCELLED', `${_id} was cancelled`);
  const known = error ?? { code: 'UNKNOWN', message: 'no reason was stored' };
  return runFailed(_id, known, undefined, partial);
}

/** A child's failure as its parent's: at the child's stage, for the reason that the child had. */
export function childFailure(path: string, thrown: unknown): StageFailure {
  if (!isJdbxError(thrown, 'RUN_FAILED')) return new StageFailure(path, thrown);
  const { stage, code } = (thrown.details ?? {}) as { stage?: string; code?: ErrorCode };
  const cause = thrown.cause ?? new JdbxError(code ?? 'RUN_FAILED', thrown.message);
  return new StageFailure(stage === undefined ? path : `${path}/${stage}`, cause);
}
