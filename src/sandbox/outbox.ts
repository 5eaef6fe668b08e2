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

  /** A report of a call with effects outside does not wait: it must not be lost. */
  add(id: number, report: CallReport): void {
    const now = performance.now();
    if (this.#reports.length === 0) this.#oldestAt = now;
    this.#reports.push(entryOf(id, report));
    if (report.hostCalls > 0 || now - this.#oldestAt >= WAIT_MAX_MS) this.flush();
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#reports.length > 0) this.#send(false);
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

function entryOf(id: number, { outcome, console, hostCalls, durationMs }: CallReport): ReportEntry {
  const short = outcome.kind === 'value' ? outcome.text : outcome;
  return console.length === 0
    ? [id, short, hostCalls, durationMs]
    : [id, short, hostCalls, durationMs, console];
}

/** The main thread's end of `entryOf`. */
export function reportOf([, short, hostCalls, durationMs, console = []]: ReportEntry): CallReport {
  const outcome = typeof short === 'string' ? ({ kind: 'value', text: short } as const) : short;
  return { outcome, console, hostCalls, durationMs };
}
