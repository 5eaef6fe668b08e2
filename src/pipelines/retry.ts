import type { ErrorCode } from '../base/errors.js';
import { JdbxError } from '../base/errors.js';
import type { Retry } from './pipeline-document.js';

/** Another attempt gives the same answer. */
const FINAL_CODES = new Set<ErrorCode>([
  'INVALID_DOCUMENT',
  'INVALID_EXPRESSION',
  'INVALID_FILTER',
  'INVALID_INTEGRATION',
  'INVALID_PIPELINE',
  'INVALID_UPDATE',
  'CREDENTIAL_MISSING',
  'DOCUMENT_TOO_LARGE',
  'GUEST_SYNTAX',
  'UNRESOLVED_IMPORT',
  'TYPESCRIPT_MISSING',
  'MISSING_DOCUMENT',
  'MISSING_INPUT',
  'MISSING_VARIABLE',
  'MODEL_REFUSED',
  'OUTCOME_UNKNOWN',
  'PERMISSION_DENIED',
  'PROTECTED_TYPE',
  'RECORDING_MISSING',
  'RUN_CANCELLED',
  'RUN_LEASE_LOST',
  'SCHEMA_VIOLATION',
  'STORE_CLOSED',
]);

const DELAY_MS = 100;
const DELAY_MAX_MS = 30_000;
const RERUN_DELAY_MAX_MS = 200;

/** True when a stage that failed its `attempt`th time should run again. */
export function mayRetry(retry: Retry | undefined, attempt: number, error: unknown): boolean {
  if (!retry || attempt >= retry.attempts) return false;
  const code = error instanceof JdbxError ? error.code : undefined;
  if (retry.codes) return code !== undefined && retry.codes.includes(code);
  return code === undefined || !FINAL_CODES.has(code);
}

/** The wait before the next attempt, in milliseconds: half of it fixed, half of it random. */
export function retryDelayMs(retry: Retry, attempt: number, random: () => number): number {
  const first = retry.delay_ms ?? DELAY_MS;
  const grown = retry.backoff === 'constant' ? first : first * 2 ** (attempt - 1);
  const capped = Math.min(grown, retry.max_delay_ms ?? DELAY_MAX_MS);
  return capped / 2 + (capped / 2) * random();
}

/** The wait before a stage runs again for the same attempt: longer where many are at one document. */
export function rerunDelayMs(conflicts: number, random: () => number): number {
  return random() * Math.min(5 * 2 ** conflicts, RERUN_DELAY_MAX_MS);
}
