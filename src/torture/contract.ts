import type { Value } from '../base/values.js';

export interface TortureOptions {
  /** The pipelines to run, each with its input. */
  readonly works: readonly Work[];
  /** How often runs are killed, in whole. Default 200. */
  readonly kills?: number | undefined;
  /** The same seed chooses the same moments. Default 1. */
  readonly seed?: number | undefined;
  /** Drop or tear what was not flushed when a process is killed, as a loss of power does. Linux with a C compiler. */
  readonly powerLoss?: boolean | undefined;
  /** Processes that are at work at once. Default 2. */
  readonly shards?: number | undefined;
  /** Keep the stores in which something was wrong. Default true. */
  readonly keep?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TortureProgress) => void) | undefined;
}

/** One pipeline, and what it is run with. */
export interface Work {
  readonly pipeline: string;
  readonly input: Value;
  readonly session?: string | undefined;
}

export interface TortureProgress {
  readonly kills: number;
  readonly of: number;
  /** Runs that were let end and looked through. */
  readonly judged: number;
  readonly problems: number;
}

export interface TortureReport {
  readonly ok: boolean;
  readonly seed: number;
  /** Runs that were under way when their process was killed. */
  readonly kills: number;
  /** Of these, cut at a chosen commit: just before it, or just after. */
  readonly atCommits: number;
  /** Processes that were started for that. */
  readonly processes: number;
  /** Runs that were let end after their kills, and looked through. */
  readonly judged: number;
  /** Calls of models that left, and how many would have without a kill. */
  readonly calls: number;
  readonly callsNeeded: number;
  /** Writes that a loss of power dropped or tore. */
  readonly lostWrites: number;
  readonly durationMs: number;
  /** One sentence for each thing that is wrong, with the folder of its store. */
  readonly problems: readonly string[];
}

/** Where a run is cut: at its process's nth commit, before or after that is durable. */
export interface Cut {
  readonly at: number;
  readonly after: boolean;
}

/** One store in which one run lives from kill to kill. */
export interface Order {
  readonly life: number;
  readonly directory: string;
  readonly work: Work;
  readonly key: string;
  /** Absent: it is let run until its process is killed, or it ends. */
  readonly cut?: Cut | undefined;
  /** The newest commit that an earlier process had been told was durable. */
  readonly acknowledged: number;
  /** What an undisturbed run leaves; absent while that is found out. */
  readonly expected?: Facts | undefined;
}

/** What a process tells of one of its stores. */
export type Report =
  | { readonly life: number; readonly kind: 'cut'; readonly acknowledged: number }
  | { readonly life: number; readonly kind: 'ended'; readonly end: Ended };

export interface Ended {
  readonly facts: Facts;
  readonly problems: readonly string[];
  /** Commits that its process made for it. */
  readonly commits: number;
  readonly calls: number;
}

/** What a run left, as far as another run of the same should leave the same: lines of text by name. */
export interface Facts {
  readonly [name: string]: readonly string[];
}
