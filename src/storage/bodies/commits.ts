import type { Document } from '../../base/document.js';
import type { ByteWriter } from '../byte-writer.js';
import { packInto } from '../codec.js';
import type { Change, Commit, LoggedChange, LoggedCommit, PutChange } from '../contract.js';
import { type Bodies, readHead } from './bodies.js';
import { type PackedCommit, PackedPut } from './packed-commit.js';

/**
 * A commit as lists, to be packed: `[at, [change, …]]`. Part of the stored format.
 *
 *   put        [1, versioned, id, body]       in the journal: the document's body itself
 *              [1, versioned, id, ref, rev]   in the log of LMDB: its body stands elsewhere,
 *                                             or last, where it was put aside at once
 *   remove     [0, ref, id, type, rev, versioned]
 *   forget     [2, id, from, below]
 */
export type CommitForm = readonly [at: number, changes: readonly (readonly unknown[])[]];

/** What the log says of a put. */
export interface LoggedPut {
  readonly seq: number;
  readonly id: string;
  readonly ref: number;
  readonly rev: number;
  readonly versioned: boolean;
  /** Its body, where nothing else holds it. */
  readonly aside: Uint8Array | undefined;
}

/** The documents that a commit puts, encoded, in order. */
export function encodeBodies({ seq, changes }: Commit, bodies: Bodies): Uint8Array[] {
  const encoded: Uint8Array[] = [];
  for (const change of changes) {
    if (change.kind === 'put') encoded.push(bodies.encode(change.ref, seq, change.document));
  }
  return encoded;
}

/** With the bodies of its puts, in order. */
export function toJournalForm(commit: Commit, bodies: readonly Uint8Array[]): CommitForm {
  let next = 0;
  const changes = commit.changes.map((change) =>
    change.kind === 'put' ? [1, change.versioned, change.id, bodies[next++]] : toForm(change),
  );
  return [commit.at, changes];
}

/**
 * The journal's form, behind what the writer holds.
 *
 * @param places is given where each body begins and where it ends
 */
export function writeJournalForm(
  writer: ByteWriter,
  { seq, at, changes }: Commit,
  bodies: Bodies,
  places: number[],
): void {
  writer.list(2);
  writer.number(at);
  writer.list(changes.length);
  for (const change of changes) {
    if (change.kind !== 'put') {
      packInto(writer, toForm(change));
      continue;
    }
    writer.list(4);
    writer.number(1);
    writer.boolean(change.versioned);
    writer.text(change.id);
    const length = bodies.encodeInto(writer, change.ref, seq, change.document);
    places.push(writer.end - length, writer.end);
  }
}

/** A list for each change, to which a put's body can be added. */
export function toLogForm(commit: Commit): readonly [at: number, changes: unknown[][]] {
  const changes = commit.changes.map((change) => {
    if (change.kind !== 'put') return [...toForm(change)];
    return [1, change.versioned, change.id, change.ref, change.rev];
  });
  return [commit.at, changes];
}

/** @throws {JdbxError} STORE_CORRUPT */
export function fromJournalForm(
  seq: number,
  [at, changes]: CommitForm,
  bodies: Bodies,
): PackedCommit {
  return {
    seq,
    at,
    changes: changes.map((form) => {
      if (form[0] !== 1) return fromForm(form);
      const [, versioned, id, bytes] = form as [1, boolean, string, Uint8Array];
      const put = { id, versioned, ...readHead(id, bytes) };
      return new PackedPut(seq, put, { bodies, bytes }, 0, bytes.length);
    }),
  };
}

export function fromLogForm(
  seq: number,
  [at, changes]: CommitForm,
  find: (put: LoggedPut) => Document,
): Commit {
  return {
    seq,
    at,
    changes: changes.map((form): Change => {
      if (form[0] !== 1) return fromForm(form);
      const [, versioned, id, ref, rev, aside] = form as LogPutForm;
      const document = find({ seq, id, ref, rev, versioned, aside });
      return { kind: 'put', ref, id, rev, document, versioned };
    }),
  };
}

type LogPutForm = [1, boolean, id: string, ref: number, rev: number, aside?: Uint8Array];

/** A log form without the documents that it names. */
export function readLogForm(seq: number, [at, changes]: CommitForm): LoggedCommit {
  return {
    seq,
    at,
    changes: changes.map((form): LoggedChange => {
      if (form[0] !== 1) return fromForm(form);
      const [, , id, ref, rev] = form as LogPutForm;
      return { kind: 'put', ref, id, rev };
    }),
  };
}

/** The same of a commit that is at hand. */
export function toLogged({ seq, at, changes }: Commit): LoggedCommit {
  return {
    seq,
    at,
    changes: changes.map((change): LoggedChange => {
      if (change.kind !== 'put') return change;
      const { ref, id, rev } = change;
      return { kind: 'put', ref, id, rev };
    }),
  };
}

function toForm(change: Exclude<Change, { kind: 'put' }>): readonly unknown[] {
  if (change.kind === 'forget') return [2, change.id, change.from, change.below];
  return [0, change.ref, change.id, change.type, change.rev, change.versioned === true];
}

function fromForm(form: readonly unknown[]): Exclude<Change, PutChange> {
  if (form[0] === 2) {
    const [, id, from, below] = form as [2, string, number, number];
    return { kind: 'forget', id, from, below };
  }
  const [, ref, id, type, rev, versioned] = form as [0, number, string, string, number, boolean];
  return { kind: 'remove', ref, id, type, rev, ...(versioned ? { versioned } : {}) };
}
