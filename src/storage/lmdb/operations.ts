import type { Bodies } from '../bodies/bodies.js';
import { readHead } from '../bodies/bodies.js';
import { encodeBodies, toLogForm } from '../bodies/commits.js';
import { bodyOf, encodeRevision } from '../bodies/revision.js';
import { encodeNamed, encodeRemoval, pack } from '../codec.js';
import type {
  Commit,
  EngineBatch,
  ForgetChange,
  PackedBatch,
  PutChange,
  RemoveChange,
} from '../contract.js';
import { pastKey, revisionKey, seqKey, shapeKey, textKey } from './keys.js';
import type { TableName } from './tables.js';

/** One write to one table. */
export interface Operation {
  readonly table: TableName;
  /** Its bytes; of a document its id, which becomes bytes where they are wanted. */
  readonly key: Buffer | string;
  /** Absent: remove the key. */
  readonly value?: Uint8Array | undefined;
}

/** What the tables hold before a batch. */
export interface RowsBefore {
  /** Where the log begins. */
  logStart(): number;
  documentRow(id: string): Uint8Array | undefined;
  revisionRow(id: string, rev: number): Uint8Array | undefined;
  /** Keys of documents that stand for the log alone, of commits before `seq`; some of them at least. */
  pastKeys(seq: number): Iterable<Uint8Array>;
}

export function packBatch({ commits, packed }: EngineBatch, bodies: Bodies): PackedBatch {
  if (packed) return packed;
  const encoded = commits.map((commit) => encodeBodies(commit, bodies));
  return { bodies: () => encoded, shapes: bodies.shapes.fresh() };
}

/** Everything that a batch writes; records of the log before its bound go. */
export function toOperations(
  batch: EngineBatch,
  packed: PackedBatch,
  before: RowsBefore,
): Operation[] {
  const last = batch.commits.at(-1)?.seq ?? 0;
  const logStart = before.logStart();
  const logFrom = Math.max(logStart, Math.min(batch.logFrom, last));
  const rows = new Rows(before, logFrom);
  const bodies = packed.bodies();
  batch.commits.forEach((commit, at) => {
    rows.enter(commit, bodies[at] as readonly Uint8Array[]);
  });
  const { operations } = rows.finish();
  for (let old = logStart; old < logFrom; old++) {
    operations.push({ table: 'log', key: seqKey(old) });
  }
  for (const key of before.pastKeys(logFrom)) {
    operations.push({ table: 'past', key: Buffer.from(key) });
  }
  for (const [number, definition] of packed.shapes) {
    operations.push({ table: 'shapes', key: shapeKey(number), value: pack(definition) });
  }
  for (const [name, value] of Object.entries({ ...batch.names, seq: last })) {
    operations.push({ table: 'names', key: textKey(name), value: encodeNamed(value) });
  }
  return operations;
}

/**
 * What the commits of a batch come to. Of several writes to one document only the last one
 * counts. A record of the log names the documents that it put, which stand among the documents
 * or the kept revisions as long as they are current or kept. What the batch itself takes from
 * there stands in the record; what a later one takes from there while the record stays is moved
 * to `past`.
 */
class Rows {
  readonly operations: Operation[] = [];
  readonly #before: RowsBefore;
  readonly #logFrom: number;
  /** Rows that this batch wrote; `undefined` where it took one out. */
  readonly #documents = new Map<string, OwnRow | undefined>();
  readonly #log: { readonly seq: number; readonly form: unknown }[] = [];
  readonly #revisions = new Map<string, Uint8Array>();

  constructor(before: RowsBefore, logFrom: number) {
    this.#before = before;
    this.#logFrom = logFrom;
  }

  enter(commit: Commit, bodies: readonly Uint8Array[]): void {
    const form = toLogForm(commit);
    let next = 0;
    commit.changes.forEach((change, n) => {
      if (change.kind === 'put') {
        const own = { body: bodies[next++] as Uint8Array, logged: form[1][n] as unknown[] };
        this.#put(commit, change, own);
      } else if (change.kind === 'remove') this.#remove(commit, change);
      else this.#forget(change);
    });
    this.#log.push({ seq: commit.seq, form });
  }

  finish(): this {
    for (const { seq, form } of this.#log) {
      this.operations.push({ table: 'log', key: seqKey(seq), value: pack(form) });
    }
    for (const [key, own] of this.#documents) {
      this.operations.push({ table: 'documents', key, value: own?.body });
    }
    return this;
  }

  #put({ at }: Commit, { id, rev, versioned }: PutChange, own: OwnRow): void {
    // The first revision has nothing before it, except in the same batch.
    if (rev > 1 || this.#documents.has(id)) this.#leave(id, versioned);
    this.#documents.set(id, own);
    if (!versioned) return;
    const { body } = own;
    const key = revisionKey(id, rev);
    const value = encodeRevision(at, body);
    this.#revisions.set(key.toString('latin1'), value);
    this.operations.push({ table: 'revisions', key, value });
  }

  #remove({ seq, at }: Commit, { id, rev, versioned }: RemoveChange): void {
    this.#leave(id, versioned === true);
    this.#documents.set(id, undefined);
    if (!versioned) return;
    const value = encodeRemoval(seq, at);
    this.operations.push({ table: 'removals', key: revisionKey(id, rev), value });
  }

  #forget({ id, from, below }: ForgetChange): void {
    for (let rev = from; rev < below; rev++) {
      const key = revisionKey(id, rev);
      const row = this.#revisionRow(id, rev);
      const current = row && this.#documentRow(id);
      if (row && !(current && isSame(id, current, bodyOf(row)))) this.#keepPast(id, bodyOf(row));
      this.#revisions.delete(key.toString('latin1'));
      this.operations.push({ table: 'revisions', key }, { table: 'removals', key });
    }
  }

  /** @param mayBeKept the document may stand among the kept revisions */
  #leave(id: string, mayBeKept: boolean): void {
    const row = this.#documentRow(id);
    if (!row) return;
    const kept = mayBeKept ? this.#revisionRow(id, readHead(id, row).rev) : undefined;
    if (kept && isSame(id, bodyOf(kept), row)) return;
    const own = this.#documents.get(id);
    if (own) own.logged.push(row);
    else this.#keepPast(id, row);
  }

  #keepPast(id: string, body: Uint8Array): void {
    const { ref, seq } = readHead(id, body);
    if (seq < this.#logFrom) return;
    this.operations.push({ table: 'past', key: pastKey(seq, ref), value: body });
  }

  #documentRow(id: string): Uint8Array | undefined {
    return this.#documents.has(id) ? this.#documents.get(id)?.body : this.#before.documentRow(id);
  }

  #revisionRow(id: string, rev: number): Uint8Array | undefined {
    const own = this.#revisions.get(revisionKey(id, rev).toString('latin1'));
    return own ?? this.#before.revisionRow(id, rev);
  }
}

/** A document's row that a batch wrote, and what its log says of that. */
interface OwnRow {
  readonly body: Uint8Array;
  readonly logged: unknown[];
}

/** Two bodies of one document, written by the same commit. */
function isSame(id: string, left: Uint8Array, right: Uint8Array): boolean {
  return readHead(id, left).seq === readHead(id, right).seq;
}
