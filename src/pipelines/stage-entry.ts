import { describeThrown, JdbxError } from '../base/errors.js';
import { isoTime } from '../base/iso-time.js';
import { roomyObject } from '../base/roomy-object.js';
import type { Value, ValueObject } from '../base/values.js';
import type { AuditEntry } from '../history/audit-chain.js';
import type { Attempt } from './attempt.js';
import type { RunServices } from './contract.js';
import type { Stage } from './pipeline-document.js';
import { kindOf } from './stage-kinds.js';
import type { StageEnd } from './stage-run.js';

/** As many fields as an entry has, or more. */
const FIELDS = 24;

interface Attempted {
  readonly run: RunServices;
  readonly stage: Stage;
  readonly path: string;
  readonly attempt: Attempt;
}

/**
 * What the audit trail says of an attempt of a stage.
 *
 * @param own what the stage's kind adds
 */
export function stageEntry(
  { run, stage, path, attempt }: Attempted,
  status: StageEnd['status'] | 'failed' | 'stopped',
  { own, error }: { readonly own?: ValueObject | undefined; readonly error?: unknown },
): Record<string, Value> & AuditEntry {
  // Field by field: to spread so many is slow.
  const entry = roomyObject<Value>(FIELDS) as Record<string, Value> & { kind: string };
  entry.kind = 'stage';
  entry.status = status;
  entry.run = run.id;
  entry.pipeline = run.pipelineId;
  entry.path = path;
  entry.stage = kindOf(stage).name;
  entry.attempt = attempt.number;
  entry.started_at = isoTime(attempt.startedAt);
  entry.duration_ms = Math.max(0, run.now() - attempt.startedAt);
  entry.definitions = run.definitions.pinsOf(stage);
  if (error !== undefined) entry.error = errorFacts(error);
  return Object.assign(entry, own);
}

/** What the audit trail says of an error; of a guest's also where it was and what it printed. */
function errorFacts(error: unknown): ValueObject {
  if (!(error instanceof JdbxError)) return { code: 'UNKNOWN', message: describeThrown(error) };
  const { code, message, path, details } = error;
  const { guestCode, module, line, column, console } = (details ?? {}) as ValueObject;
  const facts = { code, guest_code: guestCode, message, path, module, line, column, console };
  return Object.fromEntries(
    Object.entries(facts).filter(([, fact]) => fact !== undefined),
  ) as ValueObject;
}
