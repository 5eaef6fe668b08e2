import type { Value, ValueObject } from '../base/values.js';
import type { ResponseCacheRule } from '../llm/contract.js';
import type { Asked } from './programs/recorded.js';

/** A pipeline document, checked. */
export interface Pipeline {
  readonly stages: readonly Stage[];
  /** An expression over the final context. Default: the last stage's output. */
  readonly output?: Value | undefined;
  /** Milliseconds that one process may spend on a run: a resumed run has them anew. Default: none. */
  readonly timeout?: number | undefined;
  /** `compensate`: finished stages are undone by their `compensate` stages before a run fails. */
  readonly on_error?: 'fail' | 'compensate' | undefined;
  /** The budget that its model calls count in. */
  readonly budget?: string | undefined;
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
  /** The id of an `execution_engine` document. */
  readonly program?: string;
  /** The id of a tool, transformer or pipeline document. */
  readonly tool?: string;
  /** Named branches, each a list of stages, run at the same time. */
  readonly parallel?: { readonly [branch: string]: readonly Stage[] };
  readonly map?: MapStage;
  readonly loop?: LoopStage;
  readonly branch?: BranchStage;
  readonly wait?: WaitStage;
  readonly emit?: EmitStage;
  /** An expression; the stage is left out when it is false. */
  readonly when?: Value;
  /** Names to look up, or an expression. Default: the output of the stage before. */
  readonly inputs?: Value;
  readonly retry?: Retry;
  /** Milliseconds for one attempt; of a wait, until it is given up. Default: none. */
  readonly timeout?: number;
  readonly on_error?: OnError;
  /** Stages that take back what this one did, when a later failure says `compensate`. */
  readonly compensate?: readonly Stage[];
  readonly cache?: boolean | CacheRule;
  /** Update operators for the run's session, if it has one; their values are expressions. */
  readonly session?: ValueObject;
  // tool stages
  /** An expression that gives the tool's arguments. Default: the stage's input. */
  readonly arguments?: Value;
  // integration stages
  readonly model?: string;
  readonly params?: ValueObject;
  /** An expression that names the recorded call to answer with. */
  readonly key?: Value;
  /** An expression: a passage or a list of them for the model to answer from. */
  readonly context?: Value;
  /** How many turns of the session, or of tokens, go before the stage's own messages. Default 0. */
  readonly history?: number | { readonly tokens: number; readonly turns?: number };
  /** Never call again while it is open whether the call was made. Default false. */
  readonly at_most_once?: boolean;
  /** A budget that this stage's model calls count in beside the run's. */
  readonly budget?: string;
  /** The JSON Schema of the answer, or `{ name, schema }`; what it says stands as `output`. */
  readonly response_schema?: ValueObject;
  /** Tell the model once what is wrong with an answer that does not fit the schema. Default false. */
  readonly repair?: boolean;
  /** The ids of tool, transformer or pipeline documents that the model may call. */
  readonly tools?: readonly string[];
  /** `auto`, `none`, `required` or `{ name }`, of the first turn. Default `auto`. */
  readonly tool_choice?: Value;
  /** Answers of the model at most, those that call tools included. Default 8. */
  readonly max_turns?: number;
  /** Keep answers, and give them again for equal requests. Default: as the integration says. */
  readonly response_cache?: boolean | ResponseCacheRule;
  /** Ask the next integration of the chain or pool too when the first one is late. */
  readonly hedge?: { readonly after_ms: number };
  /** Let the next integration go on from the text so far when a stream breaks off. Default false. */
  readonly rescue?: boolean;
  /** Tell the answer piece by piece, as `model-event`. Default false. */
  readonly stream?: boolean;
  /** Of a stage that a tool loop makes for one turn: the loop tells the session what was said. */
  readonly turn?: number;
  /** Of a stage that a program asked for. */
  readonly asked?: Asked;
  /** Of a program's `checkpoint`: its input is kept. */
  readonly checkpoint?: true;
  /** Of the stage that folds turns of the session. */
  readonly compact?: CompactStage;
}

/** `fail` is the default. `goto` names a later stage of the same list. */
export type OnError =
  | 'fail'
  | 'continue'
  | 'compensate'
  | { readonly continue: Value }
  | { readonly goto: string };

export interface CacheRule {
  /** Milliseconds for which an output is used again. Default: as long as it is stored. */
  readonly max_age?: number;
  /** An expression: what the output depends on. Default: the whole input. */
  readonly key?: Value;
}

export interface MapStage {
  /** An expression that gives an array, or `{ query: { filter, limit } }`. */
  readonly over: Value;
  /** The element's name in the context. Default `item`; its position is `index`. */
  readonly as?: string;
  readonly stages: readonly Stage[];
  /** Elements under way at once. Default 4. */
  readonly concurrency?: number;
  /** Give the list of outputs. Default: true for an array, false for a query. */
  readonly collect?: boolean;
}

export interface LoopStage {
  readonly while?: Value;
  readonly until?: Value;
  /** Iterations at most. */
  readonly max: number;
  readonly stages: readonly Stage[];
  /** Default `fail`, with LOOP_LIMIT. */
  readonly at_max?: 'fail' | 'end';
}

export interface BranchStage {
  readonly cases: readonly {
    /** The case's part of the path. Default: its position. */
    readonly name?: string;
    readonly when: Value;
    readonly stages: readonly Stage[];
  }[];
  readonly default?: readonly Stage[];
}

/** One of `answer`, `signal`, `event`, `until` and `ms`. */
export interface WaitStage {
  /** For a person's answer, given with `db.answer`. */
  readonly answer?: { readonly question?: Value; readonly schema?: ValueObject | boolean };
  /** The name of a signal to this run, given with `db.signal`. */
  readonly signal?: string;
  /** The name of an event, of an `emit` stage or of `db.emit`. */
  readonly event?: string;
  /** An expression: the key that the event must have. */
  readonly key?: Value;
  /** An expression that gives a date, ISO 8601 text, or milliseconds since the epoch. */
  readonly until?: Value;
  /** An expression that gives milliseconds. */
  readonly ms?: Value;
  /** The JSON Schema of a signal's or an event's value. */
  readonly schema?: ValueObject | boolean;
}

export interface EmitStage {
  readonly event: string;
  readonly key?: Value;
  readonly value?: Value;
  /** True: one wait takes it, and it is gone. Default false: every run that waits sees it. */
  readonly once?: boolean;
  /** Milliseconds for which it can be met. Default 30 days. */
  readonly keep_ms?: number;
}

export interface CompactStage {
  /** The id of a transformer, a pipeline or a program. */
  readonly by: string;
  readonly session: string;
  /** The numbers of the last turns that are folded already, and now. */
  readonly from: number;
  readonly upto: number;
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

/** A list of stages within a stage. */
export interface StageList {
  readonly stages: readonly Stage[];
  /** Where it stands in the stage's document: `parallel.left`, `map.stages`. */
  readonly path: string;
  /** Names that its stages can refer to, beside those around it. */
  readonly names: readonly string[];
  /** True when they may not run at all. */
  readonly conditional: boolean;
}

/** Every list of stages that a stage holds. */
export function listsIn(stage: Stage): StageList[] {
  const { parallel, map, loop, branch, compensate } = stage;
  const list = (stages: readonly Stage[], path: string, conditional: boolean, names: string[]) => ({
    stages,
    path,
    names,
    conditional,
  });
  return [
    ...Object.entries(parallel ?? {}).map(([name, stages]) =>
      list(stages, `parallel.${name}`, false, []),
    ),
    ...(map ? [list(map.stages, 'map.stages', true, [map.as ?? 'item', 'index'])] : []),
    ...(loop
      ? [list(loop.stages, 'loop.stages', true, ['index', ...loop.stages.map(({ name }) => name)])]
      : []),
    ...(branch?.cases ?? []).map(({ stages }, at) =>
      list(stages, `branch.cases.${at}.stages`, true, []),
    ),
    ...(branch?.default ? [list(branch.default, 'branch.default', true, [])] : []),
    ...(compensate ? [list(compensate, 'compensate', true, [stage.name])] : []),
  ];
}
