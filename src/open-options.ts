import type { Dispatcher } from 'undici';
import type { Clock } from './base/clock.js';
import type { Provider } from './llm/contract.js';
import type { Embedder } from './llm/embeddings/embedder.js';
import type { Sandbox } from './sandbox/contract.js';

export interface EmitOptions {
  /** The correlation key. Default null, as of waits without one. */
  readonly key?: unknown;
  /** True: one wait takes it, and it is gone. Default false: every run that waits for it sees it. */
  readonly once?: boolean | undefined;
  /** Milliseconds for which it can be met. Default 30 days. */
  readonly keepMs?: number | undefined;
}

export interface OpenOptions {
  /**
   * Go on with runs that no process has under way, now and whenever another process dies, stops
   * or closes; and do what is due: end waits and follow schedules. Default true.
   */
  readonly resume?: boolean | undefined;
  /**
   * The time within which another process takes up the runs of one that is dead or stopped, in
   * milliseconds, from 100. The same in all processes. Default 10,000.
   */
  readonly leaseMs?: number | undefined;
  /** Make a store where there is none. Default true; false throws STORE_MISSING instead. */
  readonly create?: boolean | undefined;
  /** Memory for decoded documents, in bytes, about; 0 keeps none. Default 128 MiB. */
  readonly cacheBytes?: number | undefined;
  /** Refuse commits that would take the store past this size on disk, in bytes. Default: no limit. */
  readonly sizeMaxBytes?: number | undefined;
  /** Commits that the change log keeps, for `watch` with `since`. Default 100,000. */
  readonly logCommits?: number | undefined;
  /** Runs that are at work at once; more wait for their turn by priority. Default 100,000. */
  readonly runsAtOnce?: number | undefined;
  /**
   * Changed documents after which the indexes are saved in the background, so that the store
   * opens without reading its documents. Default 20,000; stores of less than a quarter of it
   * are not saved.
   */
  readonly saveIndexesAfter?: number | undefined;
  /**
   * How often retention looks for what is due, in milliseconds; 0 leaves it to `db.retain()`.
   * Default: a minute.
   */
  readonly retentionIntervalMs?: number | undefined;
  /**
   * Whether guests of a store on disk read it in their own threads, where the native part is.
   * Each thread then has the files open, and keeps what it read last. Default true.
   */
  readonly guestsReadNear?: boolean | undefined;
  /** Worker threads for guest code. Default: one for each core, at least two. */
  readonly workers?: number | undefined;
  /** @internal A sandbox that several stores share, and that its maker closes. */
  readonly sandbox?: Sandbox | undefined;
  /** Where credential documents find their variables. Default `process.env`. */
  readonly env?: { readonly [name: string]: string | undefined } | undefined;
  /** 32 bytes that open sealed credential documents; without them those are CREDENTIAL_MISSING. */
  readonly sealKey?: Uint8Array | undefined;
  /** Sends HTTP requests to providers, e.g. undici's `ProxyAgent`. Default: pools of its own. */
  readonly dispatcher?: Dispatcher | undefined;
  /** Providers of the program's own, by the names that integration documents use. */
  readonly providers?: readonly Provider[] | undefined;
  /** Embedders of the program's own, for the semantic cache, by their ids. */
  readonly embedders?: readonly Embedder[] | undefined;
  /**
   * Counts the tokens of a text, where a stage's `history` is a number of tokens. Default: the
   * optional package `gpt-tokenizer`, or else an estimate, which the audit trail says it is.
   */
  readonly countTokens?: ((text: string) => number) | undefined;
  readonly clock?: Clock | undefined;
  /** Gives numbers from 0 to 1, for the waits between attempts. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** What holds where an option is not given. */
export const OPEN_DEFAULTS = {
  cacheBytes: 128 * 2 ** 20,
  leaseMs: 10_000,
  logCommits: 100_000,
  retentionIntervalMs: 60_000,
  runsAtOnce: 100_000,
};
