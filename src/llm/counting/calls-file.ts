import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { JdbxError } from '../../base/errors.js';
import type { ReservationFacts } from '../budgets/budget-document.js';

/** A call that a resource with limits a minute took, until that stands in a document. */
export interface Admitted {
  readonly pool: string;
  readonly resource: string;
  readonly tokens: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a process had under way when it ended. */
export interface Left {
  readonly calls: readonly ReservationFacts[];
  readonly admitted: readonly Admitted[];
}

/** A file that grew by this many characters is begun anew, with what is still under way. */
const FILE_GROWTH_MAX = 2 ** 20;

/**
 * What a process that counts in memory has under way, a line for each, so that another one
 * knows it when this one is killed. Lines are handed to the kernel before the call goes out
 * and never flushed: a killed process loses none. What a power failure takes with it are
 * calls that ended with it too. Lines of the same turn of the event loop are one write.
 *
 *     +{"id":…,"run":…,"path":…,"budgets":[…],"amounts":{…}}    is set aside
 *     -"ID"                                                     is settled, durably
 *     ~{"pool":…,"resource":…,"tokens":…,"at":…}                was admitted
 */
export class CallsFile {
  readonly #path: string;
  #fd: number | undefined;
  #length = 0;
  #shortenAt = FILE_GROWTH_MAX;
  /** Lines for the next write. */
  #waiting = '';
  #writing: Promise<void> | undefined;
  /** The last write broke off, perhaps in the middle of a line. */
  #isTorn = false;
  readonly #calls = new Map<string, string>();
  #admitted: { readonly at: number; readonly line: string }[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** What is under way by a file that another process wrote; nothing where there is no file. */
  static read(path: string): Left {
    const calls = new Map<string, ReservationFacts>();
    const admitted: Admitted[] = [];
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    // What follows the last line's end is a line that was never whole.
    for (const line of text.split('\n').slice(0, -1)) {
      const value = valueIn(line);
      if (value === undefined) continue;
      if (line[0] === '-') calls.delete(value as string);
      else if (line[0] === '~') admitted.push(value as Admitted);
      else calls.set((value as ReservationFacts).id, value as ReservationFacts);
    }
    return { calls: [...calls.values()], admitted };
  }

  /**
   * The call may go out when the promise resolves.
   *
   * @throws {JdbxError} STORE_FULL, STORE_IO
   */
  add(call: ReservationFacts): Promise<void> {
    const line = `+${JSON.stringify(call)}\n`;
    this.#calls.set(call.id, line);
    return this.#later(line);
  }

  /** What is not written of it a commit says as well. */
  remove(id: string): void {
    if (this.#calls.delete(id)) this.#later(`-${JSON.stringify(id)}\n`).catch(() => {});
  }

  /** As `add`. */
  admit(call: Admitted): Promise<void> {
    const line = `~${JSON.stringify(call)}\n`;
    this.#admitted.push({ at: call.at, line });
    return this.#later(line);
  }

  /** What was admitted up to a time stands in documents. */
  forgetAdmitted(until: number): void {
    if (this.#admitted.length === 0) return;
    this.#admitted = this.#admitted.filter(({ at }) => at > until);
    this.#shorten();
  }

  /** Nothing is under way by it any more. */
  delete(): void {
    this.#calls.clear();
    this.#admitted = [];
    this.#waiting = '';
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #later(line: string): Promise<void> {
    this.#waiting += line;
    this.#writing ??= new Promise((resolve, reject) => {
      process.nextTick(() => {
        try {
          resolve(this.#writeWaiting());
        } catch (error) {
          reject(failure(error));
        }
      });
    });
    return this.#writing;
  }

  #writeWaiting(): void {
    const text = this.#waiting;
    [this.#waiting, this.#writing] = ['', undefined];
    // Nobody asks any more for what was waiting when the file was deleted.
    if (text === '') return;
    this.#fd ??= openSync(this.#path, 'w');
    const rest = this.#isTorn ? '\n' : '';
    this.#isTorn = true;
    writeWhole(this.#fd, rest + text);
    this.#isTorn = false;
    this.#length += text.length;
    this.#shorten();
  }

  /** The old file is whole until the new one has its place: both say the same. */
  #shorten(): void {
    if (this.#length < this.#shortenAt) return;
    const kept = [...this.#calls.values(), ...this.#admitted.map(({ line }) => line)].join('');
    const next = `${this.#path}.next`;
    const fd = openSync(next, 'w');
    writeWhole(fd, kept);
    const length = kept.length;
    renameSync(next, this.#path);
    this.#close();
    [this.#fd, this.#length] = [fd, length];
    this.#shortenAt = length + FILE_GROWTH_MAX;
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    [this.#fd, this.#length, this.#isTorn] = [undefined, 0, false];
  }
}

/** A disk that fills up takes a part of what it is given. */
function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function failure(cause: unknown): JdbxError {
  const isFull = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
  const text = 'expected to write down a call before it goes out';
  return new JdbxError(isFull ? 'STORE_FULL' : 'STORE_IO', text, { operation: 'reserve', cause });
}

/** Undefined for a line that a loss of power tore: its call ended with the power. */
function valueIn(line: string): unknown {
  try {
    return JSON.parse(line.slice(1));
  } catch {
    return undefined;
  }
}
