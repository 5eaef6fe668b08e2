import type { Transaction } from 'lmdb';
import { JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';
import {
  decodeCommit,
  decodeDocument,
  decodeNamed,
  decodeRemoval,
  decodeRevision,
} from '../codec.js';
import type {
  Commit,
  EngineSnapshot,
  StoredDocument,
  StoredRemoval,
  StoredRevision,
} from '../contract.js';
import {
  isRevisionKeyOf,
  readRevisionId,
  readRevisionKey,
  readSeqKey,
  revisionKey,
  seqKey,
  textKey,
} from './keys.js';
import type { Tables } from './tables.js';

const REV_MAX = 0xffff_ffff;
const FIRST = Buffer.from([0]);

/** A read transaction of LMDB: pages that it can see are not reused until it is closed. */
export class LmdbSnapshot implements EngineSnapshot {
  readonly seq: number;
  readonly #tables: Tables;
  readonly #transaction: Transaction;
  readonly #onClose: () => void;
  readonly #decode: typeof decodeDocument;
  #closed = false;

  /** @param decode Default: `decodeDocument` */
  constructor(tables: Tables, onClose: () => void = () => {}, decode = decodeDocument) {
    this.#tables = tables;
    this.#onClose = onClose;
    this.#decode = decode;
    this.#transaction = tables.root.useReadTransaction();
    this.seq = (this.named('seq') as number | undefined) ?? 0;
  }

  get(id: string): StoredDocument | undefined {
    // Decoded out of the buffer that the binding reads into, before it reads again.
    const bytes = this.#tables.documents.getBinaryFast(textKey(id), this.#inside);
    return bytes && this.#decode(bytes);
  }

  *documents(): Iterable<StoredDocument> {
    for (const { value } of this.#tables.documents.getRange(this.#inside)) {
      yield decodeDocument(value);
      this.#checkOpen();
    }
  }

  *revisions(id: string): Iterable<StoredRevision> {
    const range = { start: revisionKey(id, 0), end: revisionKey(id, REV_MAX) };
    for (const { key, value } of this.#tables.revisions.getRange({ ...range, ...this.#inside })) {
      if (isRevisionKeyOf(key, id)) yield decodeRevision(value);
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
    return bytes && decodeRevision(bytes);
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
      yield decodeCommit(readSeqKey(key), value);
      this.#checkOpen();
    }
  }

  logStart(): number {
    for (const key of this.#tables.log.getKeys({ limit: 1, ...this.#inside })) {
      return readSeqKey(key);
    }
    return this.seq + 1;
  }

  named(name: string): Value | undefined {
    const bytes = this.#tables.names.get(textKey(name), this.#inside);
    return bytes && decodeNamed(bytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#transaction.done();
    this.#onClose();
  }

  get #inside(): { transaction: Transaction } {
    this.#checkOpen();
    return { transaction: this.#transaction };
  }

  #checkOpen(): void {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected an open snapshot');
  }
}
