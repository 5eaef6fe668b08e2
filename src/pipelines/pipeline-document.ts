import type { Value, ValueObject } from '../base/values.js';

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
