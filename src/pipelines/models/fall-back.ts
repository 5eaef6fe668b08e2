import { type ErrorCode, isJdbxError } from '../../base/errors.js';
import { nothingHappened } from '../at-most-once.js';
import type { StageWork } from '../contract.js';

/** The target failed; another one may not. */
const TARGETS_FAULT: readonly ErrorCode[] = [
  'MODEL_RATE_LIMITED',
  'MODEL_UNAVAILABLE',
  'MODEL_TIMEOUT',
  'MODEL_RESPONSE',
  'RECORDING_MISSING',
];

/** How providers name a refusal of what was said; another one is not asked to overlook it. */
const FILTERED = /content_?(policy|filter)|safety|moderation/i;

export function isTargetsFault(error: unknown): boolean {
  return isJdbxError(error, ...TARGETS_FAULT);
}

/**
 * True when the next target may be asked. A request that one refused (too long for its
 * model, a setting that it does not know, a key that it does not take) may suit another.
 */
export function mayFallBack({ stage }: StageWork, error: unknown): boolean {
  if (stage.at_most_once && !nothingHappened(error)) return false;
  if (isTargetsFault(error)) return true;
  return isJdbxError(error, 'MODEL_REFUSED') && !FILTERED.test(String(error.details?.type ?? ''));
}
