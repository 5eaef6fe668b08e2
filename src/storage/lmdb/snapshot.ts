import type { Transaction } from 'lmdb';
import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';
import { readHead } from '../bodies/bodies.js';
import { type CommitForm, fromLogForm, type LoggedPut, readLogForm } from '../bodies/commits.js';
import { bodyOf, decodeRevision } from '../bodies/revision.js';
import type { ShapeDefinition } from '../bodies/shape.js';
import { decodeNamed, decodeRemoval, unpack, unpackList } from '../codec.js';
import type {
  Commit,
  EngineSnapshot,
  LoggedCommit,
  StoredDocument,
  StoredRemoval,
  StoredRevision,
} from '../contract.js';
import type { Decoded } from '../decoded.js';
import {
  isRevisionKeyOf,
  pastKey,
  readRevisionId,
  readRevisionKey,
  readSeqKey,
  revisionKey,
  seqKey,
  shapeKey,
  textKey,
} from './keys.js';
import type { RowsBefore } from './operations.js';
import type { PageReader } from './page-reader.js';
import type { Tables } from './tables.js';

const REV_MAX = 0xffff_ffff;
/** Fewer are found as soon one by one. */
const TOGETHER_MIN = 4;
const FIRST = Buffer.from([0]);
/** Records beside the log that go at once: one commit should not grow huge. */
const PAST_MAX = 20_000;

/** A read transaction of LMDB: pages that it can see are not reused until it is closed. */
export class LmdbSnapshot implements EngineSnapshot, RowsBefore {
  readonly seq: number;
  readonly #tables: Tables;
  readonly #reading: { readonly transaction: Transaction };
  readonly #onClose: () => void;
  readonly #decoded: Decoded | undefined;
  readonly #pages: PageReader | undefined;
  /** The root of the documents, in pages; null when it could not be had. */
  #root: number | null | undefined;
  #logStart: number | undefined;
  #closed = false;

  /**
   * @param decoded documents that need not be decoded again. Default: none is kept
   * @param pages of the same file, to read many documents at a stroke. Default: one by one
   */
  constructor(
    tables: Tables,
    onClose: () => void = () => {},
    { decoded, pages }: { decoded?: Decoded | undefined; pages?: PageReader | undefined } = {},
  ) {
    this.#tables = tables;
    this.#onClose = onClose;
    this.#decoded = decoded;
    this.#pages = pages;
    this.#reading = { transaction: tables.root.useReadTransaction() };
    this.seq = (this.named('seq') as number | undefined) ?? 0;
    this.#learnShapes();
  }

  get(id: string): StoredDocument | undefined {
    // Decoded out of the buffer that the binding reads into, before it reads again.
    const bytes = this.#tables.documents.getBinaryFast(id, this.#inside);
    if (!bytes) return undefined;
    const { bodies } = this.#tables;
    return this.#decoded ? this.#decoded.decode(bodies, id, bytes) : bodies.decode(id, bytes);
  }

  getMany(ids: readonly string[]): (StoredDocument | undefined)[] {
    this.#checkOpen();
    const found: (StoredDocument | undefined)[] = new Array(ids.length);
    const wasRead = ids.length >= TOGETHER_MIN && this.#readTogether(ids, found);
    for (let at = 0; at < ids.length; at++) {
      // Also what is not there, or too large to be read with others.
      if (!wasRead || found[at] === undefined) found[at] = this.get(ids[at] as string);
    }
    return found;
  }

  *documents(): Iterable<StoredDocument> {
    for (const { key, value } of this.#tables.documents.getRange(this.#inside)) {
      yield this.#tables.bodies.decode(idOf(key), value);
      this.#checkOpen();
    }
  }

  *revisions(id: string): Iterable<StoredRevision> {
    const range = { start: revisionKey(id, 0), end: revisionKey(id, REV_MAX) };
    for (const { key, value } of this.#tables.revisions.getRange({ ...range, ...this.#inside })) {
      if (isRevisionKeyOf(key, id)) yield decodeRevision(id, value, this.#tables.bodies);
      this.#checkOpen();
    }
  }

  lastRevision(id: string): number {
    const range = { start: revisionKey(id, REV_MAX), end: revisionKey(id, 0), reverse: true };
    for (const key of this.#tables.revisions.getKeys({ ...range, ...this.#inside })) {
      if (isRevisionKeyOf(key, id)) return readRevisionKey(key);
    }
    return 0;
  }

  revision(id: string, rev: number): StoredRevision | undefined {
    const bytes = this.#tables.revisions.get(revisionKey(id, rev), this.#inside);
    return bytes && decodeRevision(id, bytes, this.#tables.bodies);
  }

  *removals(id: string): Iterable<StoredRemoval> {
    const range = { start: revisionKey(id, 0), end: revisionKey(id, REV_MAX) };
    for (const { key, value } of this.#tables.removals.getRange({ ...range, ...this.#inside })) {
      if (isRevisionKeyOf(key, id)) yield { rev: readRevisionKey(key), ...decodeRemoval(value) };
      this.#checkOpen();
    }
  }

  *revisedIds(after = ''): Iterable<string> {
    const seen = textKey(after);
    let last = after;
    const start = after === '' ? FIRST : seen;
    for (const key of this.#tables.revisions.getKeys({ start, ...this.#inside })) {
      const id = readRevisionId(key);
      // Rows of an id that ends with NUL lie among those of the id without it.
      if (id !== last && Buffer.compare(textKey(id), seen) > 0) yield id;
      last = id;
      this.#checkOpen();
    }
  }

  *log(since: number): Iterable<Commit> {
    const range = { start: seqKey(since + 1), ...this.#inside };
    for (const { key, value } of this.#tables.log.getRange(range)) {
      const form = unpackList(value, 2) as unknown as CommitForm;
      yield fromLogForm(readSeqKey(key), form, (put) => this.#logged(put));
      this.#checkOpen();
    }
  }

  logged(seq: number): LoggedCommit | undefined {
    const bytes = this.#tables.log.get(seqKey(seq), this.#inside);
    return bytes && readLogForm(seq, unpackList(bytes, 2) as unknown as CommitForm);
  }

  logStart(): number {
    this.#checkOpen();
    this.#logStart ??= this.#readLogStart();
    return this.#logStart;
  }

  named(name: string): Value | undefined {
    const bytes = this.#tables.names.get(textKey(name), this.#inside);
    return bytes && decodeNamed(bytes);
  }

  documentRow(id: string): Uint8Array | undefined {
    return this.#tables.documents.get(textKey(id), this.#inside);
  }

  revisionRow(id: string, rev: number): Uint8Array | undefined {
    return this.#tables.revisions.get(revisionKey(id, rev), this.#inside);
  }

  pastKeys(seq: number): Iterable<Uint8Array> {
    const range = { start: FIRST, end: seqKey(seq), limit: PAST_MAX };
    return this.#tables.past.getKeys({ ...range, ...this.#inside });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reading.transaction.done();
    this.#onClose();
  }

  /** False where documents can only be read one by one. */
  #readTogether(ids: readonly string[], found: (StoredDocument | undefined)[]): boolean {
    const pages = this.#pages;
    if (!pages) return false;
    if (this.#root === undefined) this.#root = pages.documentsAt(this.seq) ?? null;
    if (this.#root === null) return false;
    const { bodies } = this.#tables;
    return pages.read(this.#root, ids, (at, bytes, start, end) => {
      found[at] = bodies.decode(ids[at] as string, bytes, start, end);
    });
  }

  #readLogStart(): number {
    for (const key of this.#tables.log.getKeys({ limit: 1, ...this.#inside })) {
      return readSeqKey(key);
    }
    return this.seq + 1;
  }

  /** In the log itself, where it is the current one, where it is kept, or where it was put aside later. */
  #logged({ seq, id, ref, rev, versioned, aside }: LoggedPut): Document {
    const { documents, past, bodies } = this.#tables;
    if (aside) return bodies.decode(id, aside).document;
    const current = documents.getBinaryFast(id, this.#inside);
    if (current && readHead(id, current).seq === seq) return bodies.decode(id, current).document;
    const kept = versioned ? this.revisionRow(id, rev) : undefined;
    if (kept && readHead(id, bodyOf(kept)).seq === seq)
      return bodies.decode(id, bodyOf(kept)).document;
    const later = past.get(pastKey(seq, ref), this.#inside);
    if (later) return bodies.decode(id, later).document;
    throw new JdbxError('STORE_CORRUPT', `expected ${id} as commit ${seq} put it, for the log`);
  }

  /** Those of others too: what is read here may use them. */
  #learnShapes(): void {
    const { shapes } = this.#tables.bodies;
    for (;;) {
      const number = shapes.durable + 1;
      const bytes = this.#tables.shapes.get(shapeKey(number), this.#inside);
      if (!bytes) return;
      shapes.learn([[number, unpack(bytes) as ShapeDefinition]]);
    }
  }

  get #inside(): { transaction: Transaction } {
    this.#checkOpen();
    return this.#reading;
  }

  #checkOpen(): void {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected an open snapshot');
  }
}

function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8');
}
