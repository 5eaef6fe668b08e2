import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
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

/** A file that grew by this much is begun anew, with what is still under way. */
const FILE_BYTES_MAX = 2 ** 20;

/**
 * What a process that counts in memory has under way, a line for each, so that another one
 * knows it when this one is killed. Lines are handed to the kernel before the call goes out
 * and never flushed: a killed process loses none. What a power failure takes with it are
 * calls that ended with it too.
 *
 *     +{"id":…,"run":…,"path":…,"budgets":[…],"amounts":{…}}    is set aside
 *     -"ID"                                                     is settled, durably
 *     ~{"pool":…,"resource":…,"tokens":…,"at":…}                was admitted
 */
export class CallsFile {
  readonly #path: string;
  #fd: number | undefined;
  #bytes = 0;
  #shortenAt = FILE_BYTES_MAX;
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

  add(call: ReservationFacts): void {
    const line = `+${JSON.stringify(call)}\n`;
    this.#calls.set(call.id, line);
    this.#write(line);
  }

  remove(id: string): void {
    if (!this.#calls.delete(id)) return;
    this.#write(`-${JSON.stringify(id)}\n`);
    this.#shorten();
  }

  admit(call: Admitted): void {
    const line = `~${JSON.stringify(call)}\n`;
    this.#admitted.push({ at: call.at, line });
    this.#write(line);
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
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #write(text: string): void {
    this.#fd ??= openSync(this.#path, 'w');
    this.#bytes += writeSync(this.#fd, text);
  }

  /** The old file is whole until the new one has its place: both say the same. */
  #shorten(): void {
    if (this.#bytes < this.#shortenAt) return;
    const kept = [...this.#calls.values(), ...this.#admitted.map(({ line }) => line)].join('');
    const next = `${this.#path}.next`;
    const fd = openSync(next, 'w');
    const bytes = writeSync(fd, kept);
    renameSync(next, this.#path);
    this.#close();
    [this.#fd, this.#bytes] = [fd, bytes];
    this.#shortenAt = bytes + FILE_BYTES_MAX;
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    [this.#fd, this.#bytes] = [undefined, 0];
  }
}

/** Undefined for a line that a loss of power tore: its call ended with the power. */
function valueIn(line: string): unknown {
  try {
    return JSON.parse(line.slice(1));
  } catch {
    return undefined;
  }
}
