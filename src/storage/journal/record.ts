import { createHash } from 'node:crypto';
import { Unpackr } from 'msgpackr';
import type { Value } from '../../base/values.js';
import type { Bodies } from '../bodies/bodies.js';
import { type CommitForm, fromJournalForm, writeJournalForm } from '../bodies/commits.js';
import { bodiesOf, type PackedCommit, PackedPut } from '../bodies/packed-commit.js';
import type { NewShape } from '../bodies/shapes.js';
import { ByteWriter } from '../byte-writer.js';
import { packInto } from '../codec.js';
import type { Change, EngineBatch, PackedBatch } from '../contract.js';
import { ownValue } from './own-value.js';

/**
 * A record of the journal: one batch of commits. Part of the stored format.
 *
 *   0        4            8          16
 *   +--------+------------+----------+----------------------------------------+
 *   | length | generation | checksum | payload (length bytes)                 |
 *   +--------+------------+----------+----------------------------------------+
 *   u32 LE   u32 LE       8 bytes    msgpack [first seq, logFrom, [commit, …], names, shapes]
 *
 * The checksum is the start of the SHA-256 over length, generation and payload. A
 * file is written again from its start in a later generation, so a record of another
 * generation is old, and one whose checksum fails was never acknowledged.
 */
export const HEADER_BYTES = 16;
const CHECKSUM_BYTES = 8;

const writer = new ByteWriter();
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number', copyBuffers: true });

export interface JournalRecord {
  readonly generation: number;
  /** Its first commit and its last. */
  readonly first: number;
  readonly last: number;
  /** Where the next record begins. */
  readonly end: number;
  /**
   * Its commits after `after`, and what the batch had else. Only of a record that follows on
   * what was read before: the shapes that it brings are taken in.
   */
  read(bodies: Bodies, after: number): KeptBatch;
}

/** A batch as it is held until the engine behind has it: its documents as bytes alone. */
export interface KeptBatch extends EngineBatch {
  readonly commits: readonly PackedCommit[];
  readonly packed: PackedBatch;
}

/** A batch as its record, which holds the stored bytes of its documents. To be sealed. */
export class PackedRecord implements PackedBatch {
  readonly bytes: Buffer;
  readonly shapes: readonly NewShape[];
  readonly #batch: EngineBatch;
  readonly #bodies: Bodies;
  /** Where each body begins and ends. */
  readonly #places: readonly number[];

  /** May number new shapes, which it brings along. */
  constructor(batch: EngineBatch, bodies: Bodies) {
    const { commits, logFrom, names } = batch;
    const places: number[] = [];
    writer.restart(HEADER_BYTES);
    writer.list(5);
    writer.number(commits[0]?.seq ?? 0);
    writer.number(logFrom);
    writer.list(commits.length);
    for (const commit of commits) writeJournalForm(writer, commit, bodies, places);
    packInto(writer, names);
    this.shapes = bodies.shapes.fresh();
    packInto(writer, this.shapes);
    this.#batch = batch;
    this.#bodies = bodies;
    this.#places = places;
    this.bytes = writer.copy();
  }

  bodies(): readonly (readonly Uint8Array[])[] {
    return bodiesOf(this.kept().commits);
  }

  kept(): KeptBatch {
    let next = 0;
    const { bytes } = this;
    const source = { bodies: this.#bodies, bytes };
    const packedOf = (seq: number, change: Change) =>
      change.kind === 'put'
        ? new PackedPut(seq, change, source, this.#place(next++), this.#place(next++))
        : change;
    const commits = this.#batch.commits.map(({ seq, at, changes }) => ({
      seq,
      at,
      changes: changes.map((change) => packedOf(seq, change)),
    }));
    return keptBatch(commits, this.#batch, this.shapes);
  }

  #place(at: number): number {
    return this.#places[at] as number;
  }

  /** As `decodeRecord` finds it. */
  seal(generation: number): Buffer {
    this.bytes.writeUInt32LE(this.bytes.length - HEADER_BYTES, 0);
    this.bytes.writeUInt32LE(generation, 4);
    this.bytes.set(checksum(this.bytes), CHECKSUM_BYTES);
    return this.bytes;
  }
}

/** What the first bytes of a record say, before anyone knows whether it is whole. */
export function readHeader(file: Buffer, start: number): { generation: number; bytes: number } {
  const bytes = HEADER_BYTES + file.readUInt32LE(start);
  return { generation: file.readUInt32LE(start + 4), bytes };
}

/** The record at `start`, or undefined where there is none that is whole. */
export function decodeRecord(file: Buffer, start: number): JournalRecord | undefined {
  if (start + HEADER_BYTES > file.length) return undefined;
  const end = start + HEADER_BYTES + file.readUInt32LE(start);
  if (end === start + HEADER_BYTES || end > file.length) return undefined;
  const record = file.subarray(start, end);
  const stored = record.subarray(CHECKSUM_BYTES, HEADER_BYTES);
  if (!checksum(record).equals(stored)) return undefined;
  const payload = unpackr.unpack(record.subarray(HEADER_BYTES)) as Payload;
  const [first, , commits] = payload;
  return {
    generation: file.readUInt32LE(start + 4),
    first,
    last: first + commits.length - 1,
    end,
    read: (bodies, after) => readPayload(payload, bodies, after),
  };
}

type Payload = [
  first: number,
  logFrom: number,
  commits: CommitForm[],
  names: Record<string, Value>,
  shapes: NewShape[],
];

function readPayload(
  [first, logFrom, commits, names, shapes]: Payload,
  bodies: Bodies,
  after: number,
): KeptBatch {
  bodies.shapes.learn(shapes);
  const skipped = Math.max(0, after + 1 - first);
  const kept = commits
    .slice(skipped)
    .map((form, at) => fromJournalForm(first + skipped + at, form, bodies));
  return keptBatch(kept, { names, logFrom }, shapes);
}

function keptBatch(
  commits: readonly PackedCommit[],
  { names, logFrom }: Omit<EngineBatch, 'commits'>,
  shapes: readonly NewShape[],
): KeptBatch {
  const packed = { bodies: () => bodiesOf(commits), shapes };
  return { commits, names: ownValue(names), logFrom, packed };
}

function checksum(record: Buffer): Buffer {
  return createHash('sha256')
    .update(record.subarray(0, CHECKSUM_BYTES))
    .update(record.subarray(HEADER_BYTES))
    .digest()
    .subarray(0, CHECKSUM_BYTES);
}
