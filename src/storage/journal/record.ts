import { createHash } from 'node:crypto';
import { Packr, Unpackr } from 'msgpackr';
import type { Value } from '../../base/values.js';
import { decodeCommit, encodeBodies, encodeCommit } from '../codec.js';
import type { EngineBatch } from '../contract.js';

/**
 * A record of the journal: one batch of commits. Part of the stored format.
 *
 *   0        4            8          16
 *   +--------+------------+----------+----------------------------------------+
 *   | length | generation | checksum | payload (length bytes)                 |
 *   +--------+------------+----------+----------------------------------------+
 *   u32 LE   u32 LE       8 bytes    msgpack [first seq, logFrom, [commit, …], names]
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
  /** Its first commit and its last, whether they were decoded or not. */
  readonly first: number;
  readonly last: number;
  readonly batch: EngineBatch;
  /** Where the next record begins. */
  readonly end: number;
}

export function encodeRecord(generation: number, batch: EngineBatch): Buffer {
  const commits = batch.commits.map((commit) => encodeCommit(commit, encodeBodies(commit)));
  const first = batch.commits[0]?.seq ?? 0;
  const payload = packr.pack([first, batch.logFrom, commits, batch.names]);
  const record = Buffer.alloc(HEADER_BYTES + payload.length);
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

/**
 * The record at `start`, or undefined where there is none that is whole.
 *
 * @param after commits up to this one are left out: decoding is most of what reading costs
 */
export function decodeRecord(file: Buffer, start: number, after = 0): JournalRecord | undefined {
  if (start + HEADER_BYTES > file.length) return undefined;
  const end = start + HEADER_BYTES + file.readUInt32LE(start);
  if (end === start + HEADER_BYTES || end > file.length) return undefined;
  const record = file.subarray(start, end);
  const stored = record.subarray(CHECKSUM_BYTES, HEADER_BYTES);
  if (!checksum(record).equals(stored)) return undefined;
  const [first, logFrom, commits, names] = unpackr.unpack(record.subarray(HEADER_BYTES)) as [
    number,
    number,
    Uint8Array[],
    Record<string, Value>,
  ];
  const decoded = commits.flatMap((bytes, index) =>
    first + index > after ? [decodeCommit(first + index, bytes)] : [],
  );
  return {
    generation: file.readUInt32LE(start + 4),
    first,
    last: first + commits.length - 1,
    batch: { commits: decoded, names, logFrom },
    end,
  };
}

function checksum(record: Buffer): Buffer {
  return createHash('sha256')
    .update(record.subarray(0, CHECKSUM_BYTES))
    .update(record.subarray(HEADER_BYTES))
    .digest()
    .subarray(0, CHECKSUM_BYTES);
}
