import { createHash } from 'node:crypto';
import { Packr, Unpackr } from 'msgpackr';
import type { Value } from '../../base/values.js';
import type { Bodies } from '../bodies/bodies.js';
import { bodiesIn, type CommitForm, fromJournalForm, toJournalForm } from '../bodies/commits.js';
import type { NewShape } from '../bodies/shapes.js';
import type { EngineBatch, PackedBatch } from '../contract.js';

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

const packr = new Packr({ useRecords: false });
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
  read(bodies: Bodies, after: number): EngineBatch;
}

/** As `decodeRecord` finds it: the payload of a batch with its stored bytes. */
export function encodeRecord(generation: number, batch: EngineBatch, packed: PackedBatch): Buffer {
  const commits = batch.commits.map((commit, at) =>
    toJournalForm(commit, packed.bodies[at] as Uint8Array[]),
  );
  const first = batch.commits[0]?.seq ?? 0;
  const payload = packr.pack([first, batch.logFrom, commits, batch.names, packed.shapes]);
  const record = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.writeUInt32LE(generation, 4);
  record.set(payload, HEADER_BYTES);
  record.set(checksum(record), CHECKSUM_BYTES);
  return record;
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
): EngineBatch {
  bodies.shapes.learn(shapes);
  const skipped = Math.max(0, after + 1 - first);
  const forms = commits.slice(skipped);
  return {
    commits: forms.map((form, at) => fromJournalForm(first + skipped + at, form, bodies)),
    names,
    logFrom,
    packed: { bodies: forms.map(bodiesIn), shapes },
  };
}

function checksum(record: Buffer): Buffer {
  return createHash('sha256')
    .update(record.subarray(0, CHECKSUM_BYTES))
    .update(record.subarray(HEADER_BYTES))
    .digest()
    .subarray(0, CHECKSUM_BYTES);
}
