import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { syncDirectory } from '../durable-files.js';
import { decodeRecord, HEADER_BYTES, type JournalRecord, readHeader } from './record.js';

const flush = promisify(fdatasync);

/**
 * By so much the file grows, ahead of what is written: a flush of blocks that exist needs no
 * change of the file's metadata, and takes about half as long.
 */
const STEP_BYTES = 2 ** 18;
const ZEROS = Buffer.alloc(STEP_BYTES);
/** Up to this flush time the thread waits itself: going through the thread pool would take longer. */
const WAIT_MAX_MS = 0.4;

/** What is read at once: most records are much smaller, and most reads are of one record. */
const PIECE_BYTES = 2 ** 14;

/** One of the two files that the journal writes in turn, each from its start. */
export class JournalFile {
  readonly #fd: number;
  #flushMs = 0;
  /** The file is known to be as long as this, if nobody cut it. */
  #reach = 0;

  /** @param create make the file; else one that is missing is `undefined` */
  static open(path: string, create: boolean): JournalFile | undefined {
    const fresh = !existsSync(path);
    if (fresh && !create) return undefined;
    const file = new JournalFile(openSync(path, fresh ? 'w+' : create ? 'r+' : 'r'));
    if (fresh) file.#begin(path);
    return file;
  }

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Whole records from `start` on, up to the first that is torn or of another generation
   * than asked for (or than the first one). Another process may be writing the file.
   */
  *records(start: number, generation?: number): Generator<JournalRecord, void> {
    const size = this.sizeBytes;
    let wanted = generation;
    let piece: Buffer = Buffer.alloc(0);
    let from = start;
    const need = (at: number, bytes: number): number => {
      if (at + bytes > from + piece.length) {
        piece = this.#read(at, Math.min(Math.max(bytes, PIECE_BYTES), size - at));
        from = at;
      }
      return at - from;
    };
    for (let at = start; at + HEADER_BYTES <= size; ) {
      const offset = need(at, HEADER_BYTES);
      if (offset + HEADER_BYTES > piece.length) return;
      const header = readHeader(piece, offset);
      if (header.generation !== (wanted ?? header.generation) || at + header.bytes > size) return;
      const place = need(at, header.bytes);
      const record = decodeRecord(piece, place);
      if (!record) return;
      wanted = record.generation;
      at += header.bytes;
      yield { ...record, end: at };
    }
  }

  get sizeBytes(): number {
    return fstatSync(this.#fd).size;
  }

  /** Writes at `at` and resolves when it is on disk. */
  async write(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, at + done);
    }
    this.#reachAhead(at + bytes.length);
    await this.#flush();
  }

  /**
   * Writes a stretch again as it is, and resolves when it is on disk. Whoever wrote it may
   * have died before its flush, or in one that failed, so a flush alone would say nothing.
   */
  async rewrite(start: number, end: number): Promise<void> {
    await this.write(this.#read(start, end - start), start);
  }

  /** Gives its space back. Only when everything in it is safe elsewhere. */
  cut(): void {
    ftruncateSync(this.#fd, 0);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(at: number, bytes: number): Buffer {
    const piece = Buffer.allocUnsafe(bytes);
    return piece.subarray(0, readSync(this.#fd, piece, 0, bytes, at));
  }

  /** The file's name in its directory must be on disk before what is written in it counts. */
  #begin(path: string): void {
    writeSync(this.#fd, ZEROS, 0, STEP_BYTES, 0);
    fsyncSync(this.#fd);
    syncDirectory(dirname(path));
  }

  #reachAhead(end: number): void {
    if (end <= this.#reach) return;
    this.#reach = Math.max(end, this.sizeBytes);
    if (this.#reach > end) return;
    try {
      this.#reach += writeSync(this.#fd, ZEROS, 0, STEP_BYTES, end);
    } catch {
      // Where there is no room for more, the record itself had some.
    }
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
