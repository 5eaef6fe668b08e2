import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { decodeRecord, type JournalRecord } from './record.js';

const flush = promisify(fdatasync);

/** Written once when the file is made: overwriting blocks that exist needs no change of the file's metadata. */
const FIRST_BYTES = 2 ** 18;
/** Up to this flush time the thread waits itself: going through the thread pool would take longer. */
const WAIT_MAX_MS = 0.4;

/** One of the two files that the journal writes in turn, each from its start. */
export class JournalFile {
  readonly #fd: number;
  #end = 0;
  #flushMs = 0;

  /** Reads what an earlier process left, of commits those after `after`; the file is not changed. */
  static read(path: string, after: number): JournalRecord[] {
    if (!existsSync(path)) return [];
    const file = readFileSync(path);
    const records: JournalRecord[] = [];
    const next = (end: number) => decodeRecord(file, end, after);
    for (let record = next(0); record; record = next(record.end)) {
      // What follows in another generation was left from an earlier turn.
      if (records[0] && record.generation !== records[0].generation) break;
      records.push(record);
    }
    return records;
  }

  constructor(path: string) {
    const fresh = !existsSync(path);
    this.#fd = openSync(path, fresh ? 'w+' : 'r+');
    if (!fresh) return;
    writeSync(this.#fd, Buffer.alloc(FIRST_BYTES), 0, FIRST_BYTES, 0);
    fsyncSync(this.#fd);
    syncDirectory(dirname(path));
  }

  get sizeBytes(): number {
    return fstatSync(this.#fd).size;
  }

  /** Where the next record goes: the start of a new turn, or behind what an earlier process left. */
  seek(end: number): void {
    this.#end = end;
  }

  /** The size of the file with this much more in it. */
  sizeWith(bytes: number): number {
    return Math.max(this.sizeBytes, this.#end + bytes);
  }

  /**
   * Writes a record and resolves when it is on disk. A record that failed to be written
   * is overwritten by the next one.
   */
  async append(record: Buffer): Promise<void> {
    for (let done = 0; done < record.length; ) {
      done += writeSync(this.#fd, record, done, record.length - done, this.#end + done);
    }
    await this.#flush();
    this.#end += record.length;
  }

  close(): void {
    closeSync(this.#fd);
  }

  async #flush(): Promise<void> {
    const before = performance.now();
    try {
      if (this.#flushMs <= WAIT_MAX_MS) fdatasyncSync(this.#fd);
      else await flush(this.#fd);
    } catch (cause) {
      throw new FlushFailure(cause);
    }
    this.#flushMs += (performance.now() - before - this.#flushMs) / 8;
  }
}

/**
 * After a failed flush nobody knows which pages reached the disk, and the kernel may
 * call the next flush a success (https://lwn.net/Articles/752063/), so nothing more
 * may be written.
 */
export class FlushFailure extends Error {
  constructor(cause: unknown) {
    super('a flush of the journal failed', { cause });
  }
}

/** Makes the file's name durable. Windows cannot open directories, and needs not. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
