import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order, Report } from './contract.js';
import type { Recording } from './power-loss.js';

const FILE = fileURLToPath(new URL('./victim.js', import.meta.url));
/** What its stores have not come to by then hangs. In milliseconds. */
const PATIENCE_MS = 60_000;

/** A process that is started before it is needed, works once, and is killed. */
export class VictimProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;
  readonly #gone: Promise<unknown>;

  /** What it does to its files, where that is written down. */
  readonly recording: Recording | undefined;

  /** The signal or the code with which it ended by itself, which none should. */
  endedWith: string | undefined;

  constructor(recording?: Recording) {
    this.recording = recording;
    this.#child = fork(FILE, [], {
      env: { ...process.env, ...recording?.env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#gone = once(this.#child, 'exit');
    this.#ready = Promise.race([once(this.#child, 'message'), this.#gone]);
  }

  /**
   * Gives the orders, and waits until all have been reported on whose life is in `awaited`, or
   * for too long. Then it is killed.
   */
  async work(orders: readonly Order[], awaited: ReadonlySet<number>): Promise<Map<number, Report>> {
    await this.#ready;
    const reports = new Map<number, Report>();
    const left = new Set(awaited);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#child.on('message', (report: Report) => {
        reports.set(report.life, report);
        left.delete(report.life);
        if (left.size === 0) done();
      });
      this.#gone.then(done);
      this.#child.send(orders, (error) => error && done());
    });
    const { exitCode, signalCode } = this.#child;
    this.endedWith = signalCode ?? exitCode?.toString();
    await this.kill();
    return reports;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
    }
    await this.#gone;
  }
}
