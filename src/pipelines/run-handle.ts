import type { LiveRunEvent, RunEvent } from './follow.js';
import type { RunResult } from './run-document.js';

/**
 * A run that was asked for: `await` gives its result, `for await` what happens in it, live. Whoever
 * only listens is told of a failure by the last event.
 */
export interface RunHandle extends Promise<RunResult> {
  [Symbol.asyncIterator](): AsyncGenerator<RunEvent | LiveRunEvent, void>;
}

export function runHandle(
  result: Promise<RunResult>,
  follow: () => AsyncGenerator<RunEvent | LiveRunEvent, void>,
): RunHandle {
  const events = () => {
    result.catch(() => {});
    return follow();
  };
  return Object.assign(result, { [Symbol.asyncIterator]: events });
}
