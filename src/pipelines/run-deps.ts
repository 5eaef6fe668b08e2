import type { Clock } from '../base/clock.js';
import type { Value } from '../base/values.js';
import type { Database } from '../documents/database.js';
import type { Reservations } from '../llm/budgets/reservations.js';
import type { ModelCaller } from '../llm/call-model.js';
import type { Pools } from '../llm/pools/pools.js';
import type { Responses } from '../llm/responses/responses.js';
import type { SemanticCache } from '../llm/semantic/semantic-cache.js';
import type { Sandbox } from '../sandbox/contract.js';
import type { TokenCounter } from '../sessions/token-window.js';
import type { ChildResult, RunServices } from './contract.js';
import type { Emit } from './events.js';
import type { GuestCodes } from './guests/guest-codes.js';
import type { Leases } from './leases/leases.js';
import type { Programs } from './programs/programs.js';
import type { Post } from './waits/post.js';

/** What every run of one open store shares. */
export interface RunDeps {
  readonly database: Database;
  readonly sandbox: Sandbox;
  readonly programs: Programs;
  readonly codes: GuestCodes;
  readonly models: ModelCaller;
  readonly pools: Pools;
  readonly reservations: Reservations;
  readonly responses: Responses;
  readonly semantic: SemanticCache;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  /** Who has which runs. */
  readonly leases: Leases;
  readonly child: RunChild;
  /** Counts tokens; loaded when it is first asked for. */
  readonly tokens: () => Promise<TokenCounter>;
  /** Brings what comes from outside to the waits. */
  readonly post: Post;
  /** Told the times at which a wait has to be looked at, in milliseconds since the epoch. */
  readonly alarm: (atMs: number) => void;
}

/** A run that calls others. */
export interface ParentRun extends RunServices {
  /** The lease under which it is executed, and they with it. */
  readonly owner: string;
}

/** Runs a pipeline as a child of `parent`. */
export type RunChild = (
  parent: ParentRun,
  pipeline: string,
  input: Value,
  path: string,
  signal: AbortSignal,
) => Promise<ChildResult>;
