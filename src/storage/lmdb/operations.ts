import {
  encodeCommit,
  encodeDocument,
  encodeNamed,
  encodeRemoval,
  encodeRevision,
} from '../codec.js';
import type { Commit, EngineBatch, ForgetChange, PutChange } from '../contract.js';
import { revisionKey, seqKey, textKey } from './keys.js';
import type { TableName } from './tables.js';

/** One write to one table. */
export interface Operation {
  readonly table: TableName;
  readonly key: Buffer;
  /** Absent: remove the key. */
  readonly value?: Uint8Array;
}

/** Everything that a batch writes; records of the log before `logFrom` go, from `logStart` on. */
export function toOperations(batch: EngineBatch, logStart: number): Operation[] {
  const operations = newestOnly(batch.commits.flatMap(commitOperations));
  const seq = batch.commits.at(-1)?.seq ?? 0;
  for (let old = logStart; old < Math.min(batch.logFrom, seq); old++) {
    operations.push({ table: 'log', key: seqKey(old) });
  }
  for (const [name, value] of Object.entries({ ...batch.names, seq })) {
    operations.push({ table: 'names', key: textKey(name), value: encodeNamed(value) });
  }
  return operations;
}

/** Of several writes to one document only the last one counts; its log records stay. */
function newestOnly(operations: readonly Operation[]): Operation[] {
  const last = new Map<string, Operation>();
  for (const operation of operations) {
    if (operation.table === 'documents') last.set(operation.key.toString(), operation);
  }
  return operations.filter(
    (operation) =>
      operation.table !== 'documents' || last.get(operation.key.toString()) === operation,
  );
}

function commitOperations(commit: Commit): Operation[] {
  const operations: Operation[] = [];
  const bodies: Uint8Array[] = [];
  for (const change of commit.changes) {
    if (change.kind === 'remove') {
      operations.push({ table: 'documents', key: textKey(change.id) });
      if (!change.versioned) continue;
      const key = revisionKey(change.id, change.rev);
      operations.push({ table: 'removals', key, value: encodeRemoval(commit.seq, commit.at) });
      continue;
    }
    if (change.kind === 'forget') {
      operations.push(...forgetOperations(change));
      continue;
    }
    const body = encodeDocument(change.ref, commit.seq, change.document);
    bodies.push(body);
    operations.push({ table: 'documents', key: textKey(change.document._id), value: body });
    if (change.versioned) operations.push(revisionOperation(commit, change));
  }
  operations.push({
    table: 'log',
    key: seqKey(commit.seq),
    value: encodeCommit(commit, bodies),
  });
  return operations;
}

function* forgetOperations({ id, from, below }: ForgetChange): Generator<Operation> {
  for (let rev = from; rev < below; rev++) {
    yield { table: 'revisions', key: revisionKey(id, rev) };
    yield { table: 'removals', key: revisionKey(id, rev) };
  }
}

function revisionOperation(commit: Commit, { document }: PutChange): Operation {
  return {
    table: 'revisions',
    key: revisionKey(document._id, document._rev),
    value: encodeRevision(commit.seq, commit.at, document),
  };
}
