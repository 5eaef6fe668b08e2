import type { CallReport, ReportEntry, WorkerMessage } from './messages.js';

/** How long a report may wait for others to travel with, in milliseconds. */
const WAIT_MAX_MS = 1;

/**
 * Collects the reports of calls that are over, so that many of them cross in
 * one message. A report never waits while a guest takes its time: the engine's
 * polls, host calls and a full millisecond send what there is.
 */
export class Outbox {
  readonly #post: (message: WorkerMessage) => void;
  #reports: ReportEntry[] = [];
  #oldestAt = 0;

  constructor(post: (message: WorkerMessage) => void) {
    this.#post = post;
  }

  /** A report of a call that reached out of the worker does not wait: it must not be lost. */
  add(id: number, report: CallReport, reachedOut: boolean): void {
    const now = performance.now();
    if (this.#reports.length === 0) this.#oldestAt = now;
    this.#reports.push(entryOf(id, report));
    if (reachedOut || now - this.#oldestAt >= WAIT_MAX_MS) this.flush();
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#reports.length > 0) this.#send(false);
  }

  /** Sends what has waited long enough. */
  flushOld(): void {
    if (this.#reports.length > 0 && performance.now() - this.#oldestAt >= WAIT_MAX_MS) this.flush();
  }

  /** Sends what waits, and that the worker can take more. */
  finish(): void {
    this.#send(true);
  }

  #send(isIdle: boolean): void {
    this.#post({ kind: 'settled', reports: this.#reports, isIdle });
    this.#reports = [];
  }
}

function entryOf(id: number, report: CallReport): ReportEntry {
  const { outcome, console, hostCalls, durationMs, near } = report;
  const short = outcome.kind === 'value' ? outcome.text : outcome;
  if (console.length === 0 && !near) return [id, short, hostCalls, durationMs];
  const more = { ...(console.length === 0 ? {} : { console }), ...(near ? { near } : {}) };
  return [id, short, hostCalls, durationMs, more];
}

/** The main thread's end of `entryOf`. */
export function reportOf([, short, hostCalls, durationMs, more]: ReportEntry): CallReport {
  const outcome = typeof short === 'string' ? ({ kind: 'value', text: short } as const) : short;
  return { outcome, console: more?.console ?? [], hostCalls, durationMs, near: more?.near };
}
