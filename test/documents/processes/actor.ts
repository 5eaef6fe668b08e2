import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./actor.mjs', import.meta.url));

/** Another process with the store open; see `actor.mjs` for what it can be told beside the verbs of a database. */
export class Actor implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;
  /** One question at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param fileSizeMaxKiB a limit of the operating system on the size of files */
  static async open(path: string, options: object = {}, fileSizeMaxKiB?: number): Promise<Actor> {
    const actor = new Actor(path, options, fileSizeMaxKiB);
    await actor.tell('open');
    return actor;
  }

  /** A process that has not opened the store yet. */
  constructor(path: string, options: object = {}, fileSizeMaxKiB?: number) {
    const node = [process.execPath, SCRIPT, path, JSON.stringify(options)];
    const limited = ['bash', '-c', `ulimit -f ${fileSizeMaxKiB}; exec "$@"`, 'bash', ...node];
    const [command = '', ...rest] = fileSizeMaxKiB === undefined ? node : limited;
    this.#process = spawn(command, rest, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#ended = once(this.#process, 'close');
    this.#process.stdin?.on('error', () => {});
    const output = this.#process.stdout as NonNullable<ChildProcess['stdout']>;
    this.#lines = createInterface(output)[Symbol.asyncIterator]();
  }

  /** What it answers. @throws the code of its error */
  tell<T = unknown>(verb: string, ...args: unknown[]): Promise<T> {
    const answer = this.#turn.then(async () => {
      this.#process.stdin?.write(`${JSON.stringify([verb, ...args])}\n`);
      const { value: line } = await this.#lines.next();
      if (line === undefined) throw new Error(`ended at ${verb}`);
      const { code, value } = JSON.parse(line) as { code?: string; value?: T };
      if (code !== undefined) throw new Error(code);
      return value as T;
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  /** Closes the store and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.tell('close').catch(() => {});
    await this.kill();
  }
}
