import { JdbxError } from '../base/errors.js';
import type { Commit, EngineSnapshot } from '../storage/contract.js';

/** What the feed needs of the store: its published log, and a word when that grew. */
export interface ChangeSource {
  /**
   * The commits after `since`, whole and up to the newest, where they are at hand; they need
   * not be read back then.
   */
  recent(since: number): readonly Commit[] | undefined;
  view(): { readonly engine: EngineSnapshot; close(): void };
  /** Calls `wake` after each publication. Returns the way to stop. */
  onCommit(wake: () => void): () => void;
}

/**
 * Commits after `since`, in order, as they come, some at a time. The log is the source, for
 * what was and for what comes, so a slow reader costs no memory and misses nothing that the
 * log still holds; one that keeps pace is given what was just committed.
 *
 * @throws {JdbxError} LOG_TRIMMED when the log no longer reaches back to the reader
 */
export async function* followLog(
  source: ChangeSource,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<readonly Commit[]> {
  const bell = new Bell();
  const stop = source.onCommit(() => bell.ring());
  const onAbort = () => bell.ring();
  signal.addEventListener('abort', onAbort);
  try {
    for (let seen = since; !signal.aborted; ) {
      const commits = source.recent(seen) ?? readAfter(source, seen);
      if (commits.length > 0) {
        yield commits;
        seen = commits.at(-1)?.seq ?? seen;
        continue;
      }
      await bell.rung();
      if (signal.aborted) return;
      // Whoever waits for the commit itself goes first; and commits that come together are read at once.
      await new Promise(setImmediate);
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop();
  }
}

/** What is read at once: a bound on memory, kept by whole commits. */
const COMMITS_AT_ONCE = 100;
const CHANGES_AT_ONCE = 1_000;

/** Takes a bounded number at a time, so that no snapshot stays open while the reader thinks. */
function readAfter(source: ChangeSource, since: number): Commit[] {
  const view = source.view();
  try {
    const commits = takeSome(view.engine.log(since));
    // The next commit itself shows that none is missing, and spares a look at where the log
    // starts; and where there is none yet, none is.
    const isNext = commits[0]?.seq === since + 1 || view.engine.seq === since;
    if (!isNext) checkReach(since, view.engine.logStart());
    return commits;
  } finally {
    view.close();
  }
}

function checkReach(since: number, start: number): void {
  if (since + 1 >= start) return;
  throw new JdbxError('LOG_TRIMMED', `expected a log from ${since + 1} on, it starts at ${start}`);
}

function takeSome(log: Iterable<Commit>): Commit[] {
  const commits: Commit[] = [];
  let changes = 0;
  for (const commit of log) {
    commits.push(commit);
    changes += commit.changes.length;
    if (commits.length === COMMITS_AT_ONCE || changes >= CHANGES_AT_ONCE) break;
  }
  return commits;
}

/** Remembers a ring that came while nobody waited. */
class Bell {
  #rings = 0;
  #heard = 0;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rings++;
    this.#wake?.();
  }

  async rung(): Promise<void> {
    if (this.#rings === this.#heard) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#heard = this.#rings;
    this.#wake = undefined;
  }
}
