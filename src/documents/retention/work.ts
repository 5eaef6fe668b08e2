import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Draft } from '../draft.js';
import type { View } from '../view.js';
import type { RetainCounts, RetainOptions, RetainReport, RetentionHost } from './contract.js';

/** How long one look at the store may take, and how many writes go into one commit. */
const LOOK_MS = 4;
export const WRITES_MAX = 200;
/** While writers wait, this long goes by between two steps. */
const YIELD_MS = 25;

const NONE: RetainCounts = { documents: 0, revisions: 0, logRecords: 0, auditDocuments: 0 };

/**
 * One round of retention in steps that never hold the thread or the writers for long: each
 * looks for some milliseconds, commits at most `WRITES_MAX` writes, and lets others go first.
 */
export class Work {
  readonly host: RetentionHost;
  readonly isDry: boolean;
  /** Milliseconds since the epoch; one time for the whole round. */
  readonly now: number;
  readonly #options: RetainOptions;
  readonly #counts = new Map<string, RetainCounts>();
  #policy = '';

  constructor(host: RetentionHost, options: RetainOptions) {
    this.host = host;
    this.isDry = options.dryRun ?? false;
    this.now = host.now();
    this.#options = options;
  }

  begin(policy: string): void {
    this.#policy = policy;
  }

  report(done: boolean): RetainReport {
    const total = { ...NONE };
    for (const counts of this.#counts.values()) {
      for (const kind of Object.keys(NONE) as (keyof RetainCounts)[]) total[kind] += counts[kind];
    }
    return { done, ...total, policies: Object.fromEntries(this.#counts) };
  }

  /** Looks at the newest commit; `look` stops early when `isLate` says so. */
  look<T>(look: (view: View, isLate: () => boolean) => T): T {
    const until = performance.now() + LOOK_MS;
    const view = this.host.view();
    try {
      return look(view, () => performance.now() >= until);
    } finally {
      view.close();
    }
  }

  /** Commits what `plan` writes and says how many that were; in a dry run there are `count`. */
  async write(
    kind: keyof RetainCounts,
    count: number,
    plan: (draft: Draft) => number,
  ): Promise<void> {
    if (count > 0) this.count(kind, this.isDry ? count : await this.host.submit(plan));
  }

  count(kind: keyof RetainCounts, done: number): void {
    const counts = this.#counts.get(this.#policy) ?? NONE;
    this.#counts.set(this.#policy, { ...counts, [kind]: counts[kind] + done });
    this.#options.onProgress?.(this.report(false));
  }

  /** Lets others go first. @throws what the signal was aborted with */
  async yield(): Promise<void> {
    await setImmediate();
    if (this.host.isBusy) await setTimeout(YIELD_MS);
    this.#options.signal?.throwIfAborted();
  }
}
