import type { Value } from '../base/values.js';
import type { Database } from '../documents/database.js';
import type { SessionUsage } from '../sessions/sessions.js';
import type { FirstCommit } from './commit-stage.js';
import type { Context } from './context.js';
import type { RunServices } from './contract.js';
import type { Stage } from './pipeline-document.js';
import type { RunDocument, RunError } from './run-document.js';
import type { RunEnd } from './run-writes.js';

/** What all stages of a run have in common while a process has it under way. */
export interface RunAtWork {
  readonly run: RunServices;
  /** The lease under which the run is executed. */
  readonly owner: string;
  readonly database: Database;
  readonly random: () => number;
  /** Called when a commit has left an event. */
  readonly emitted: (event: string) => Promise<void>;
  /** Of a run that is not stored yet. */
  readonly birth: FirstCommit | undefined;
}

/** One stage of a run, in its turn. */
export interface StageRun {
  readonly stage: Stage;
  readonly path: string;
  readonly context: Context;
  readonly signal: AbortSignal;
  readonly run: RunServices;
  readonly atWork: RunAtWork;
  /** Of a run's last stage. */
  readonly last?: LastStage | undefined;
}

/** How a run ends in the commit of its last stage, if it can. */
export interface LastStage {
  readonly ending: (end: StageEnd, usage: SessionUsage) => RunEnd | undefined;
  /** Called when it has. */
  readonly ended: (run: RunDocument) => void;
}

/** How a stage ended, once it is durable. */
export interface StageEnd {
  readonly status: 'done' | 'skipped' | 'continued';
  readonly output: Value;
  /** Of a stage that is `continued`: why, and where the run goes on. */
  readonly failure?: { readonly error: RunError; readonly goto?: string } | undefined;
}
