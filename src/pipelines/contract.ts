import type { Value, ValueObject } from '../base/values.js';
import type { Workspace } from '../documents/workspace.js';
import type { AuditEntry } from '../history/audit-chain.js';
import type { ModelCaller } from '../llm/call-model.js';
import type { Sandbox } from '../sandbox/contract.js';
import type { Turn } from '../sessions/sessions.js';
import type { Context } from './context.js';
import type { Definitions } from './definitions.js';
import type { Spending } from './spending.js';

/** A pipeline document, checked. */
export interface Pipeline {
  readonly stages: readonly Stage[];
  /** An expression over the final context. Default: the last stage's output. */
  readonly output?: Value | undefined;
  /** Milliseconds that one process may spend on a run: a resumed run has them anew. Default: none. */
  readonly timeout?: number | undefined;
}

/**
 * One stage of a pipeline document. Exactly one of the fields that name a kind is
 * there, but for `template_ref`, which may go with `transformer` or `integration`.
 */
export interface Stage {
  readonly name: string;
  readonly transformer?: string;
  /** Same as `prompt`. */
  readonly template_ref?: string;
  readonly prompt?: string;
  readonly integration?: string;
  readonly pipeline?: string;
  /** Named branches, each a list of stages, run at the same time. */
  readonly parallel?: { readonly [branch: string]: readonly Stage[] };
  readonly map?: MapStage;
  /** An expression; the stage is left out when it is false. */
  readonly when?: Value;
  /** Names to look up, or an expression. Default: the output of the stage before. */
  readonly inputs?: Value;
  readonly retry?: Retry;
  /** Milliseconds for one attempt. Default: none. */
  readonly timeout?: number;
  /** `fail` (default), `continue`, or `{ continue: value }`. */
  readonly on_error?: 'fail' | 'continue' | { readonly continue: Value };
  /** Update operators for the run's session, if it has one; their values are expressions. */
  readonly session?: ValueObject;
  // integration stages
  readonly model?: string;
  readonly params?: ValueObject;
  /** An expression that names the recorded call to answer with. */
  readonly key?: Value;
  /** An expression: a passage or a list of them for the model to answer from. */
  readonly context?: Value;
  /** How many turns of the session go before the stage's own messages. Default 0. */
  readonly history?: number;
  /** Never call again while it is open whether the call was made. Default false. */
  readonly at_most_once?: boolean;
}

export interface MapStage {
  /** An expression that gives an array. */
  readonly over: Value;
  /** The element's name in the context. Default `item`; its position is `index`. */
  readonly as?: string;
  readonly stages: readonly Stage[];
  /** Elements under way at once. Default 4. */
  readonly concurrency?: number;
}

export interface Retry {
  /** Attempts in all. */
  readonly attempts: number;
  readonly backoff?: 'exponential' | 'constant';
  /** The first wait, in milliseconds. Default 100; doubled each time when exponential. */
  readonly delay_ms?: number;
  /** Default 30,000. */
  readonly max_delay_ms?: number;
  /** Error codes to retry. Default: every code that another attempt may mend. */
  readonly codes?: readonly string[];
}

/** How one kind of stage runs. Each is a file in `stages/`. */
export interface StageKind {
  readonly name: string;
  /** True when it runs stages of its own: it then ends as soon as they do. */
  readonly holdsStages?: boolean;
  /** Runs one attempt. What it did to the store is in the attempt's workspace, not yet committed. */
  run(work: StageWork): Promise<StageOutcome>;
}

/** One attempt of one stage. */
export interface StageWork {
  readonly stage: Stage;
  /** Where the stage stands in its run: `draft`, `review/2/score`. */
  readonly path: string;
  readonly input: Value;
  readonly context: Context;
  readonly run: RunServices;
  readonly signal: AbortSignal;
  /** 1, 2, 3 … of this stage. */
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Numbers the model calls of this attempt's guests. */
  nextCall(): number;
  /** The snapshot that the attempt's guests read, with what they wrote; opened at the first call. */
  workspace(): Workspace;
  /** Takes an audit entry that is to be kept even if the attempt fails. */
  note(entry: AuditEntry): void;
}

/** What a stage may ask of the run that it belongs to. */
export interface RunServices {
  readonly id: string;
  /** The revisions that the run is pinned to. */
  readonly definitions: Definitions;
  readonly sandbox: Sandbox;
  readonly models: ModelCaller;
  readonly spending: Spending;
  /** The id of the run's session document, if it has one. */
  readonly session: string | undefined;
  /** How deep this run is nested in others. */
  readonly depth: number;
  /** Milliseconds since the epoch. */
  now(): number;
  workspace(): Workspace;
  /** The types that go by this name. */
  typesOf(type: string): readonly string[];
  /** Runs stages in order and gives the last output. `prefix` is put before their paths. */
  stages(
    stages: readonly Stage[],
    context: Context,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Value>;
  /** Runs a pipeline as a child of this run, and gives its output. */
  child(pipeline: string, input: Value, path: string, signal: AbortSignal): Promise<ChildResult>;
  /**
   * Durably notes that an at-most-once call is about to be made.
   *
   * @throws {JdbxError} OUTCOME_UNKNOWN when one may have been made before
   */
  announce(path: string): Promise<void>;
}

export interface ChildResult {
  readonly run: string;
  readonly output: Value;
}

export interface StageOutcome {
  readonly output: Value;
  /** What the stage's audit document says beside the common facts. */
  readonly facts?: ValueObject;
  readonly turns?: readonly Turn[];
}
