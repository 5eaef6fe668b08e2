import type { Document } from '../base/document.js';
import type { Value, ValueObject } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import type { Workspace } from '../documents/workspace.js';
import type { AuditEntry } from '../history/audit-chain.js';
import type { SetAside } from '../llm/budgets/reservations.js';
import type { ReserveInput } from '../llm/budgets/reserve.js';
import type { ModelCaller } from '../llm/call-model.js';
import type { ModelEvent } from '../llm/contract.js';
import type { Pools } from '../llm/pools/pools.js';
import type { Responses } from '../llm/responses/responses.js';
import type { SemanticCache } from '../llm/semantic/semantic-cache.js';
import type { Sandbox } from '../sandbox/contract.js';
import type { Turn } from '../sessions/sessions.js';
import type { TokenCounter } from '../sessions/token-window.js';
import type { Charge } from './attempt.js';
import type { Context } from './context.js';
import type { Definitions } from './definitions.js';
import type { GuestCodes } from './guests/guest-codes.js';
import type { Stage } from './pipeline-document.js';
import type { Programs } from './programs/programs.js';
import type { RecordedStage } from './programs/recorded.js';
import type { Spending } from './spending.js';
import type { StageEnd } from './stage-run.js';
import type { Emitted } from './waits/event-document.js';
import type { WaitKind, WaitPlan } from './waits/wait-document.js';

/** How one kind of stage runs. Each is a file in `stages/`. */
export interface StageKind {
  readonly name: string;
  /** True when it runs stages of its own: it then ends as soon as they do. */
  readonly holdsStages?: boolean;
  /** True when it ends by what comes from outside: `timeout` is then a part of what it waits for. */
  readonly waits?: boolean;
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
  /** Of the guests' random numbers. Default: made of run, path and attempt. */
  readonly seed?: string | undefined;
  /** Numbers the model calls of this attempt's guests. */
  nextCall(): number;
  /** Numbers what is set aside for this attempt's calls. */
  nextCharge(): number;
  /** The snapshot that the attempt's guests read, with what they wrote; opened at the first call. */
  workspace(): Workspace;
  /** Takes an audit entry that is to be kept even if the attempt fails. */
  note(entry: AuditEntry): void;
  /** Takes what a call came to, which is settled with the stage however that ends. */
  charge(charge: Charge): void;
  /** Takes a write of the machinery's own that is part of the stage's commit, however that ends. */
  leave(write: (draft: Draft) => void): void;
}

/** What a stage may ask of the run that it belongs to. */
export interface RunServices {
  readonly id: string;
  /** The id of the pipeline that it runs. */
  readonly pipelineId: string;
  /** The revisions that the run is pinned to. */
  readonly definitions: Definitions;
  readonly codes: GuestCodes;
  readonly sandbox: Sandbox;
  readonly programs: Programs;
  readonly models: ModelCaller;
  readonly pools: Pick<Pools, 'acquire' | 'stateOf'>;
  readonly responses: Responses;
  readonly semantic: SemanticCache;
  readonly spending: Spending;
  /** The id of the run's session document, if it has one. */
  readonly session: string | undefined;
  /** The budgets that every call of the run counts in. */
  readonly budgets: readonly string[];
  /** Higher ones go first where calls queue. */
  readonly priority: number;
  /** How deep this run is nested in others. */
  readonly depth: number;
  /** By when the run has to end, in milliseconds since the epoch. */
  readonly deadlineAt: number | undefined;
  /** When the run began: ISO 8601, UTC. */
  readonly startedAt: string;
  /** Milliseconds since the epoch. */
  now(): number;
  workspace(): Workspace;
  /** Counts tokens; loaded when it is first asked for. */
  tokens(): Promise<TokenCounter>;
  /** The types that go by this name. */
  typesOf(type: string): readonly string[];
  /** Runs stages in order and gives the last output. `prefix` is put before their paths. */
  stages(
    stages: readonly Stage[],
    context: Context,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Value>;
  /** The stages that a program asked for and that are done, below this prefix. */
  recorded(prefix: string): readonly RecordedStage[];
  /** How a recorded stage of a program ended, when it need not be gone through. */
  recordedEnd(path: string): StageEnd | undefined;
  /** The commit that a finished stage's checkpoint came with; 0 when there is none. */
  commitOf(path: string): number;
  /** Stages may be gone through again from now on. */
  revisit(): void;
  /** True when a stage below this prefix has ended before. */
  entered(prefix: string): boolean;
  /** True when `remember` has kept a value at this path. */
  remembers(path: string): boolean;
  /** A value that is made once for the run, and is the same after a crash. */
  remember(path: string, make: () => Value): Promise<Value>;
  /**
   * What came from outside to the stage, and what it waited for.
   *
   * @throws {Suspended} while nothing has
   * @throws {JdbxError} STAGE_TIMEOUT when the wait was given up
   */
  wait(path: string, plan: () => WaitPlan): Promise<WaitResult>;
  /** A document that stages may see, as it is now. */
  document(id: string): Document | undefined;
  /** The first ids, in their order, of documents that a filter finds behind `after`. */
  idsAfter(filter: Value, after: string | undefined, length: number): readonly string[];
  /** Runs a pipeline as a child of this run, and gives its output. */
  child(pipeline: string, input: Value, path: string, signal: AbortSignal): Promise<ChildResult>;
  /** Tells those who listen a piece of a model's answer. */
  tell(path: string, piece: ModelPiece): void;
  /**
   * Sets aside what a call may cost, so that it is known even when the process is killed.
   *
   * @throws {JdbxError} BUDGET_EXCEEDED, MISSING_DOCUMENT
   */
  reserve(call: Omit<ReserveInput, 'run'>): Promise<SetAside>;
  /**
   * Durably notes that an at-most-once call is about to be made.
   *
   * @throws {JdbxError} OUTCOME_UNKNOWN when one may have been made before
   */
  announce(path: string): Promise<void>;
}

/** A piece of an answer as it comes, and whose. */
export interface ModelPiece {
  readonly integration: string;
  /** A higher number than before makes the pieces before it void. */
  readonly attempt: number;
  readonly event: ModelEvent;
}

export interface WaitResult {
  readonly output: Value;
  readonly wait: WaitKind;
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
  /** An event that the stage's commit leaves. */
  readonly emitted?: Emitted;
}
