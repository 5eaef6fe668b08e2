import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));

export interface ChildOptions {
  /** A limit of the operating system on the size of files. */
  readonly fileSizeMaxKiB?: number;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that opens a store; see `child.mjs` for the kinds of work. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = '';
  #isOver = false;

  constructor(args: readonly string[], { fileSizeMaxKiB, env }: ChildOptions = {}) {
    const node = [process.execPath, CHILD, ...args];
    const [command = '', ...rest] =
      fileSizeMaxKiB === undefined
        ? node
        : ['bash', '-c', `ulimit -f ${fileSizeMaxKiB}; exec "$@"`, 'bash', ...node];
    this.#process = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...env },
    });
    this.#process.stdout?.on('data', (chunk) => {
      this.#output += chunk;
    });
    this.#exited = once(this.#process, 'close').finally(() => {
      this.#isOver = true;
    });
  }

  /** Whole lines so far. */
  get lines(): string[] {
    return this.#output.split('\n').slice(0, -1);
  }

  /** Waits for this many lines. */
  async told(count: number): Promise<string[]> {
    while (this.lines.length < count) {
      if (this.#isOver) throw new Error(`ended after ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.lines;
  }

  /** Every line, after it ended by itself. */
  async done(): Promise<string[]> {
    await this.#exited;
    return this.lines;
  }

  async kill(): Promise<string[]> {
    this.#process.kill('SIGKILL');
    return this.done();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
