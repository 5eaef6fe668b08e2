import type { Document } from '../base/document.js';
import type { Value } from '../base/values.js';
import type { Workspace } from '../documents/workspace.js';
import type { SetAside } from '../llm/budgets/reservations.js';
import type { ModelCaller } from '../llm/call-model.js';
import type { Pools } from '../llm/pools/pools.js';
import type { Responses } from '../llm/responses/responses.js';
import type { SemanticCache } from '../llm/semantic/semantic-cache.js';
import type { Sandbox } from '../sandbox/contract.js';
import type { TokenCounter } from '../sessions/token-window.js';
import type { Context } from './context.js';
import type { ChildResult, RunServices, WaitResult } from './contract.js';
import type { Definitions } from './definitions.js';
import type { Execution } from './execution.js';
import type { GuestCodes } from './guests/guest-codes.js';
import type { Stage } from './pipeline-document.js';
import type { Programs } from './programs/programs.js';
import type { RecordedStage } from './programs/recorded.js';
import type { Spending } from './spending.js';
import { Suspended } from './suspended.js';

/** An attempt of which nothing is kept. */
export const IDLE = {
  nextCall: () => 1,
  nextCharge: () => 1,
  note: () => {},
  charge: () => {},
  leave: () => {},
} as const;

/**
 * A run as its records show it: what its stages may ask is answered from checkpoints, and
 * nothing is written, called or waited for. Where the records end, so does the stage.
 */
export abstract class PastRun implements RunServices {
  protected readonly execution: Execution;

  constructor(execution: Execution) {
    execution.revisit();
    this.execution = execution;
  }

  abstract stages(
    stages: readonly Stage[],
    context: Context,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Value>;

  get id(): string {
    return this.execution.id;
  }
  get definitions(): Definitions {
    return this.execution.definitions;
  }
  get codes(): GuestCodes {
    return this.execution.codes;
  }
  get sandbox(): Sandbox {
    return this.execution.sandbox;
  }
  get programs(): Programs {
    return this.execution.programs;
  }
  get models(): ModelCaller {
    return this.execution.models;
  }
  get pools(): Pools {
    return this.execution.pools;
  }
  get semantic(): SemanticCache {
    return this.execution.semantic;
  }
  get responses(): Responses {
    return this.execution.responses;
  }
  get priority(): number {
    return this.execution.priority;
  }
  get spending(): Spending {
    return this.execution.spending;
  }
  get session(): string | undefined {
    return this.execution.session;
  }
  get depth(): number {
    return this.execution.depth;
  }
  get deadlineAt(): number | undefined {
    return this.execution.deadlineAt;
  }
  get startedAt(): string {
    return this.execution.startedAt;
  }
  recorded(prefix: string): readonly RecordedStage[] {
    return this.execution.recorded(prefix);
  }
  commitOf(path: string): number {
    return this.execution.commitOf(path);
  }
  recordedEnd(): undefined {}
  revisit(): void {}
  now(): number {
    return this.execution.now();
  }
  workspace(): Workspace {
    throw new Suspended([]);
  }
  tokens(): Promise<TokenCounter> {
    return this.execution.tokens();
  }
  typesOf = (type: string): readonly string[] => this.execution.typesOf(type);
  document(id: string): Document | undefined {
    return this.execution.document(id);
  }
  entered(prefix: string): boolean {
    return this.execution.entered(prefix);
  }
  remembers(path: string): boolean {
    return this.execution.remembers(path);
  }
  async remember(path: string): Promise<Value> {
    const end = this.execution.endOf(path);
    if (!end) throw new Suspended([path]);
    return end.output;
  }
  idsAfter(): readonly string[] {
    throw new Suspended([]);
  }
  async wait(): Promise<WaitResult> {
    throw new Suspended([]);
  }
  async child(_pipeline: string, _input: Value, _path: string): Promise<ChildResult> {
    throw new Suspended([]);
  }
  get budgets(): readonly string[] {
    return [];
  }
  get pipelineId(): string {
    return this.execution.pipelineId;
  }
  tell(): void {}
  async reserve(): Promise<SetAside> {
    throw new Suspended([]);
  }
  async announce(): Promise<void> {
    throw new Suspended([]);
  }
}
