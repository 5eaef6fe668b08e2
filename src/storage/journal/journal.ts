import { join } from 'node:path';
import { JdbxError } from '../../base/errors.js';
import type { Bodies } from '../bodies/bodies.js';
import type { EngineBatch } from '../contract.js';
import { JournalFile } from './journal-file.js';
import type { JournalRecord, KeptBatch, PackedRecord } from './record.js';

const FILES = ['journal.0', 'journal.1'] as const;

/** A batch that was read, and what its record takes. */
export interface JournaledBatch {
  readonly batch: KeptBatch;
  readonly bytes: number;
}

/** Where a reader stands: behind a record of one file's turn. */
interface Place {
  readonly turn: 0 | 1;
  readonly generation: number;
  readonly end: number;
  /** The first commit of the turn; 0 while it has none. */
  readonly firstSeq: number;
}

/**
 * The two files as one row of records, with one place in it: where this process has read to,
 * and where it writes when it holds the write lock. Each turn writes a file from its start in
 * a new generation; that is allowed only when LMDB holds all that the file stood for.
 */
export class Journal {
  readonly #files: [JournalFile | undefined, JournalFile | undefined];
  readonly #paths: readonly [string, string];
  readonly #create: boolean;
  readonly #bodies: Bodies;
  #place: Place = { turn: 0, generation: 1, end: 0, firstSeq: 0 };

  /** @param create make files that are missing; only under the write lock */
  constructor(directory: string, bodies: Bodies, create: boolean) {
    this.#bodies = bodies;
    this.#paths = [join(directory, FILES[0]), join(directory, FILES[1])];
    this.#create = create;
    this.#files = [undefined, undefined];
    for (const turn of [0, 1] as const) this.#file(turn);
  }

  /** The file that is written now. */
  get path(): string {
    return this.#paths[this.#place.turn];
  }

  /** Bytes of the turn so far. */
  get end(): number {
    return this.#place.end;
  }

  /** The first commit of the turn; what is older stands in the other file, or in none. */
  get firstSeq(): number {
    return this.#place.firstSeq;
  }

  /** Bytes on disk, with `coming` more in the file that is written. */
  sizeBytes(coming = 0): number {
    const sizes = [0, 1].map((turn) => this.#file(turn as 0 | 1)?.sizeBytes ?? 0);
    const { turn, end } = this.#place;
    return Math.max(sizes[turn] as number, end + coming) + (sizes[1 - turn] as number);
  }

  /**
   * Looks at both files from their starts. Gives the batches after commit `after`, up to
   * `upTo`, and takes its place behind them.
   *
   * @param strict a commit that is missing is an error; else what follows it is left out
   * @throws {JdbxError} STORE_CORRUPT
   */
  find(after: number, upTo: number, strict: boolean): JournaledBatch[] {
    const rows = ([0, 1] as const).map((turn) => [...(this.#file(turn)?.records(0) ?? [])]);
    const generations = rows.map((row) => row[0]?.generation ?? 0) as [number, number];
    const newer = generations[1] > generations[0] ? 1 : 0;
    const found: JournaledBatch[] = [];
    this.#place = { turn: newer, generation: Math.max(1, generations[newer]), end: 0, firstSeq: 0 };
    let newest = after;
    for (const turn of [1 - newer, newer] as (0 | 1)[]) {
      let start = 0;
      for (const record of rows[turn] as JournalRecord[]) {
        if (record.first > upTo) return found;
        if (record.first > newest + 1) {
          if (strict) refuseGap(newest + 1, record.first);
          return found;
        }
        if (record.last > newest) {
          const batch = record.read(this.#bodies, newest);
          found.push({ batch, bytes: record.end - start });
          newest = record.last;
        }
        this.#pass(turn, record, (rows[turn] as JournalRecord[])[0]?.first ?? 0);
        start = record.end;
      }
    }
    return found;
  }

  /** The batches after commit `after` that follow here, up to `upTo`. None when the place was written over. */
  next(after: number, upTo: number): JournaledBatch[] {
    const found: JournaledBatch[] = [];
    let newest = after;
    for (let turns = 0; turns < 2; turns++) {
      const { turn, generation, end } = this.#place;
      let { firstSeq } = this.#place;
      let start = end;
      for (const record of this.#file(turn)?.records(end, generation) ?? []) {
        const { first } = record;
        if (first > newest + 1 || first > upTo) return found;
        if (first === newest + 1) {
          const batch = record.read(this.#bodies, newest);
          found.push({ batch, bytes: record.end - start });
          newest = record.last;
        }
        firstSeq ||= first;
        start = record.end;
        this.#pass(turn, record, firstSeq);
      }
      if (newest >= upTo || !this.#follow(newest)) return found;
    }
    return found;
  }

  /** Appends a batch, in the other file when `turns`, and resolves with its bytes when it is on disk. */
  async append(batch: EngineBatch, packed: PackedRecord, turns: boolean): Promise<number> {
    const { turn, generation, end, firstSeq } = this.#place;
    const first = firstOf(batch);
    const place: Place = turns
      ? { turn: other(turn), generation: generation + 1, end: 0, firstSeq: first }
      : { turn, generation, end, firstSeq: firstSeq || first };
    const record = packed.seal(place.generation);
    await (this.#file(place.turn) as JournalFile).write(record, place.end);
    this.#place = { ...place, end: place.end + record.length };
    return record.length;
  }

  /** Makes the last `bytes` before the place durable, whoever wrote them. */
  async rewrite(bytes: number): Promise<void> {
    const { turn, end } = this.#place;
    await this.#file(turn)?.rewrite(Math.max(0, end - bytes), end);
  }

  /** Gives the space of both files back, when the engine behind holds all that they stood for. */
  cut(): void {
    for (const file of this.#files) file?.cut();
  }

  close(): void {
    for (const file of this.#files) file?.close();
  }

  #pass(turn: 0 | 1, { generation, end }: JournalRecord, firstSeq: number): void {
    this.#place = { turn, generation, end, firstSeq };
  }

  /** To the start of the other file, if its turn has come and goes on after `newest`. */
  #follow(newest: number): boolean {
    const turn = other(this.#place.turn);
    const generation = this.#place.generation + 1;
    const { value: record } = this.#file(turn)?.records(0, generation).next() ?? {};
    if (record?.first !== newest + 1) return false;
    this.#place = { turn, generation, end: 0, firstSeq: newest + 1 };
    return true;
  }

  /** A follower may be here before the files are. */
  #file(turn: 0 | 1): JournalFile | undefined {
    this.#files[turn] ??= JournalFile.open(this.#paths[turn], this.#create);
    return this.#files[turn];
  }
}

function other(turn: 0 | 1): 0 | 1 {
  return turn === 0 ? 1 : 0;
}

function firstOf({ commits }: EngineBatch): number {
  return commits[0]?.seq ?? 0;
}

function refuseGap(expected: number, got: number): never {
  throw new JdbxError(
    'STORE_CORRUPT',
    `expected commit ${expected} in the journal, it goes on with ${got}`,
  );
}
