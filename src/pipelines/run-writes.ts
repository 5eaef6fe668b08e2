import { JdbxError } from '../base/errors.js';
import { isoTime } from '../base/iso-time.js';
import type { Value } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import { takeMade } from '../documents/take-document.js';
import { budgetOfKey } from '../llm/budgets/key-budget.js';
import type { SessionUsage } from '../sessions/sessions.js';
import { ensureSession } from '../sessions/sessions.js';
import { auditAll } from './commit-stage.js';
import { fence, leaseLost } from './fence.js';
import type { Leases } from './leases/leases.js';
import type { Pinned } from './pins.js';
import type { PartialResult, RunDocument, RunError } from './run-document.js';
import { storeValue } from './stored-value.js';
import { closeWait, stillWaits } from './waits/wait-writes.js';

/** What a run is a part of, and under which lease that is under way. */
export interface RunPart {
  readonly id: string;
  readonly owner: string;
}

export interface NewRun {
  readonly id: string;
  readonly pipeline: string;
  readonly input: Value;
  readonly session: string | undefined;
  /** The run that this one is a part of. */
  readonly parent: RunPart | undefined;
  readonly pinned: Pinned;
  readonly priority?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly deadlineAt?: number | undefined;
  readonly forkedFrom?: string | undefined;
  readonly budgets?: readonly string[] | undefined;
  /** For whom it is made. */
  readonly budgetKey?: string | undefined;
}

/**
 * Writes a run's document with its pins, its session where there is none yet, and `run-start`.
 *
 * @throws {JdbxError} RUN_LEASE_LOST when it is a part of a run that another process has now
 */
export function insertRun(draft: Draft, run: NewRun, leases: Leases): RunDocument {
  const { id, input, session, parent, budgetKey } = run;
  if (parent) fence(draft, parent.id, parent.owner);
  const owner = parent?.owner ?? leases.own(draft);
  const ofKey = budgetKey === undefined ? [] : [budgetOfKey(draft, budgetKey)];
  const budgets = [...new Set([...(run.budgets ?? []), ...ofKey])];
  // A part of a run has the session of the whole, which may be removed by now.
  if (session !== undefined && parent === undefined) ensureSession(draft, session);
  const facts = runFacts(run, budgets);
  auditAll(draft, [{ kind: 'run-start', run: id, ...facts }]);
  const fields = newRunFields(run, { facts, owner, at: draft.at });
  return draft.insert(takeMade({ ...fields, ...storeValue(draft, 'input', input) })) as RunDocument;
}

/** What a run's document and its `run-start` say of it. */
export function runFacts(
  { pipeline, pinned, session, parent, forkedFrom, budgetKey }: NewRun,
  budgets: readonly string[],
) {
  return {
    pipeline,
    definitions: pinned.definitions,
    definition_hashes: pinned.hashes,
    ...(session === undefined ? {} : { session }),
    ...(parent === undefined ? {} : { parent: parent.id }),
    ...(forkedFrom === undefined ? {} : { forked_from: forkedFrom }),
    ...(budgets.length === 0 ? {} : { budgets }),
    ...(budgetKey === undefined ? {} : { budget_key: budgetKey }),
  };
}

/** A new run's document but for its input. `at` is in milliseconds since the epoch. */
export function newRunFields(
  { id, priority, deadlineAt }: NewRun,
  { facts, owner, at }: { readonly facts: object; readonly owner: string; readonly at: number },
) {
  return {
    _id: id,
    _type: 'run',
    status: 'running',
    owner,
    ...facts,
    ...(priority === undefined ? {} : { priority }),
    ...(deadlineAt === undefined ? {} : { deadline: isoTime(deadlineAt) }),
    started_at: isoTime(at),
  };
}

export interface TakeOver {
  readonly id: string;
  /** Of a part: whoever has the whole has it too. */
  readonly parent?: RunPart | undefined;
  /** True to take it from a process that has it under way. */
  readonly byForce?: boolean | undefined;
}

/**
 * Makes this process the owner of a run that another left, or of a child run that ended
 * badly and whose stage is tried again.
 *
 * @throws {JdbxError} MISSING_DOCUMENT when it was removed meanwhile; RUN_LEASE_LOST when another
 * process has it under way
 */
export function takeOver(
  draft: Draft,
  { id, parent, byForce }: TakeOver,
  leases: Leases,
): RunDocument {
  const found = draft.get(id) as RunDocument | undefined;
  if (!found)
    throw new JdbxError('MISSING_DOCUMENT', `expected the run ${id}`, { details: { id } });
  if (parent) fence(draft, parent.id, parent.owner);
  else if (!byForce && found.status === 'running' && leases.isElsewhereIn(draft, found.owner)) {
    throw leaseLost(id, 'nobody', `it is under way, held by ${found.owner}`);
  }
  const owner = parent?.owner ?? leases.own(draft);
  const { _rev, error, ended_at, ...run } = found;
  auditAll(draft, [{ kind: 'run-resume', run: id, pipeline: run.pipeline, status: run.status }]);
  return draft.put(takeMade({ ...run, status: 'running', owner })) as RunDocument;
}

/** Writes that a run has nothing to do until something comes; false when something has. */
export function suspendRun(
  draft: Draft,
  id: string,
  owner: string,
  on: readonly string[],
): boolean {
  const { _rev, owner: _, ...run } = fence(draft, id, owner);
  if (!stillWaits(draft, on)) return false;
  draft.put(takeMade({ ...run, status: 'waiting' }));
  return true;
}

/** @throws {JdbxError} MISSING_DOCUMENT, RUN_ENDED */
export function pauseRun(draft: Draft, id: string): RunDocument {
  const { _rev, ...run } = goingOn(draft, id);
  if (run.status === 'paused') return { ...run, _rev } as RunDocument;
  auditAll(draft, [{ kind: 'run-pause', run: id, pipeline: run.pipeline }]);
  return draft.put(takeMade({ ...run, status: 'paused' })) as RunDocument;
}

/** The run, when it has not ended. @throws {JdbxError} MISSING_DOCUMENT, RUN_ENDED */
export function goingOn(draft: Draft, id: string): RunDocument {
  const run = draft.get(id) as RunDocument | undefined;
  if (run?._type !== 'run') {
    throw new JdbxError('MISSING_DOCUMENT', `expected the run ${id}`, { details: { id } });
  }
  if (run.ended_at === undefined) return run;
  throw new JdbxError('RUN_ENDED', `expected ${id} to go on, it is ${run.status}`, {
    details: { run: id, status: run.status },
  });
}

/** Writes why finished stages are about to be undone, so that it goes on after a crash. */
export function beginCompensation(draft: Draft, id: string, owner: string, error: RunError): void {
  const { _rev, ...run } = fence(draft, id, owner);
  auditAll(draft, [{ kind: 'run-compensate', run: id, pipeline: run.pipeline, error }]);
  draft.put(takeMade({ ...run, compensating: error }));
}

export interface RunEnd {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly output?: Value;
  readonly error?: RunError;
  readonly usage: SessionUsage;
  readonly partial?: PartialResult | undefined;
  /** Waits that are still open. */
  readonly waits?: readonly string[];
}

/**
 * Writes how a run ended, and `run-end`.
 *
 * @throws {JdbxError} RUN_LEASE_LOST
 */
export function endRun(draft: Draft, id: string, owner: string, end: RunEnd): RunDocument {
  const { _rev, ...run } = fence(draft, id, owner);
  const { output, waits = [], partial, ...others } = end;
  const facts = { ...others, ...(partial === undefined ? {} : { partial }) };
  for (const each of waits) closeWait(draft, each);
  // A run may have begun by a clock that was set back since.
  const duration_ms = Math.max(0, draft.at - Date.parse(run.started_at));
  auditAll(draft, [{ kind: 'run-end', run: id, pipeline: run.pipeline, ...facts, duration_ms }]);
  const stored = output === undefined ? {} : storeValue(draft, 'output', output);
  const ended_at = isoTime(draft.at);
  return draft.put(takeMade({ ...run, ...facts, ...stored, ended_at })) as RunDocument;
}
