import { createHash } from 'node:crypto';
import type { Document } from '../base/document.js';
import { ID_BYTES_MAX } from '../base/ids.js';
import type { SessionUsage } from '../sessions/sessions.js';
import type { Hashes, Pins } from './pins.js';
import type { Asked } from './programs/recorded.js';

/** `waiting`: nothing is to be done until something comes from outside. */
export type RunStatus = 'running' | 'waiting' | 'paused' | 'completed' | 'failed' | 'cancelled';

/** One execution of a pipeline. Its `input` and `output` stand beside, or as `input_ref` and `output_ref`. */
export interface RunDocument extends Document {
  readonly _type: 'run';
  readonly pipeline: string;
  readonly status: RunStatus;
  /**
   * The lease of the process that executes it; a commit under any other is refused. Absent
   * while the run waits: then nobody has it under way.
   */
  readonly owner?: string;
  /** The revisions of every definition that the run is pinned to. */
  readonly definitions: Pins;
  /** The hashes of their contents: a revision that begins anew is not taken for the old one. */
  readonly definition_hashes: Hashes;
  /** ISO 8601, UTC. */
  readonly started_at: string;
  readonly ended_at?: string;
  readonly session?: string;
  /** The run that this one is a part of. */
  readonly parent?: string;
  /** The one that this one was forked from. */
  readonly forked_from?: string;
  /** Higher ones go first where runs queue. Default 0. */
  readonly priority?: number;
  /** ISO 8601, UTC: the run fails when it has not ended by then. */
  readonly deadline?: string;
  readonly usage?: SessionUsage & { readonly [name: string]: number };
  /** Budgets that its model calls count in beside its pipeline's and its session's. */
  readonly budgets?: readonly string[];
  /** For whom it is made: a budget of that key is among `budgets`. */
  readonly budget_key?: string;
  readonly error?: RunError;
  /** Of a run that a budget ended. */
  readonly partial?: PartialResult;
  /** Why finished stages are being undone, or were: the run fails when that is done. */
  readonly compensating?: RunError;
}

/** Why a run ended badly; `stage` is the innermost stage's path. */
export type RunError = {
  readonly code: string;
  readonly message: string;
  readonly stage?: string;
};

/** What a run had done when its budget ended. */
export type PartialResult = {
  /** The paths of finished stages; what they gave stands in their checkpoints. */
  readonly finished: readonly string[];
  /** The stage that could not be paid for. */
  readonly cut?: string;
  readonly why: string;
};

/** What one stage left: the state from which a run resumes. Its `output` is kept as a run's. */
export interface CheckpointDocument extends Document {
  readonly _type: 'checkpoint';
  readonly run: string;
  readonly path: string;
  readonly status: 'done' | 'skipped' | 'continued';
  /** Why the stage failed that is `continued`. */
  readonly error?: RunError;
  /** The stage at which the run goes on. */
  readonly goto?: string;
  /** Of a stage that a program asked for: what it was asked. */
  readonly asked?: Asked;
  /** The commit that it first came with, when it was copied from another run. */
  readonly order?: number;
  /** Every attempt's calls, and those of child runs. Absent when there were none. */
  readonly usage?: SessionUsage & { readonly [name: string]: number };
}

export function checkpointId(run: string, path: string): string {
  return fittingId('checkpoint:', `${run}:${path}`);
}

/** Notes that an at-most-once call is about to be made. */
export function intentId(run: string, path: string): string {
  return fittingId('intent:', `${run}:${path}`);
}

/** What a run waits for at a stage. */
export function waitId(run: string, path: string): string {
  return fittingId('wait:', `${run}:${path}`);
}

/** What an emit stage leaves. */
export function eventId(run: string, path: string): string {
  return fittingId('event:', `${run}:${path}`);
}

/** The run of a pipeline stage. */
export function childRunId(parent: string, path: string): string {
  return fittingId('', `${parent}/${path}`, 'run:');
}

/** Long ids, of deep paths or long names, give way to their hash. */
function fittingId(prefix: string, name: string, hashPrefix = prefix): string {
  const id = prefix + name;
  // A UTF-16 unit takes at most three bytes.
  if (3 * id.length <= ID_BYTES_MAX || Buffer.byteLength(id) <= ID_BYTES_MAX) return id;
  return `${hashPrefix}#${createHash('sha256').update(name).digest('hex')}`;
}

/** How a run stands when nothing more is to be done now. */
export interface RunResult {
  readonly id: string;
  readonly pipeline: string;
  /** `waiting` and `paused`: it goes on by an answer, a signal, an event, its time, or `resume`. */
  readonly status: 'completed' | 'waiting' | 'paused';
  /** Null until the run is completed. */
  readonly output: unknown;
  /** Tokens as providers reported them, US dollars by the integrations' prices, calls made. */
  readonly usage: SessionUsage;
  readonly durationMs: number;
}
