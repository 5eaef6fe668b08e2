import type { Value } from '../../base/values.js';
import { isShareable } from '../codec.js';
import type {
  Commit,
  EngineBatch,
  PutChange,
  RemoveChange,
  StoredDocument,
  StoredRemoval,
  StoredRevision,
} from '../contract.js';

/** One state of a document; no `stored` where it was removed. */
export interface Version {
  readonly seq: number;
  readonly stored?: StoredDocument;
}

/**
 * Commits that are in the journal and not yet in the engine behind it, readable as of
 * any of them. Only ever added to; snapshots hold the layers that they need.
 */
export class Layer {
  readonly batches: EngineBatch[] = [];
  readonly commits: Commit[] = [];
  readonly documents = new Map<string, Version[]>();
  readonly revisions = new Map<string, StoredRevision[]>();
  readonly removals = new Map<string, StoredRemoval[]>();
  /** Of an id, revisions below a number that were kept before this commit are gone. */
  readonly forgotten = new Map<string, { readonly seq: number; readonly below: number }[]>();
  readonly names: { readonly seq: number; readonly values: Readonly<Record<string, Value>> }[] = [];
  /** Journal bytes, an estimate of what the layer holds. */
  bytes = 0;

  get isEmpty(): boolean {
    return this.batches.length === 0;
  }

  get lastSeq(): number {
    return this.commits.at(-1)?.seq ?? 0;
  }

  add(batch: EngineBatch, bytes: number): void {
    this.batches.push(batch);
    this.bytes += bytes;
    for (const commit of batch.commits) this.#addCommit(commit, bytes / batch.commits.length);
    const last = batch.commits.at(-1) as Commit;
    this.names.push({ seq: last.seq, values: batch.names });
  }

  #addCommit(commit: Commit, bytes: number): void {
    this.commits.push(commit);
    const each = Math.ceil(bytes / Math.max(commit.changes.length, 1));
    for (const change of commit.changes) {
      if (change.kind === 'remove') this.#addRemoval(commit, change);
      else if (change.kind === 'put') this.#addPut(commit, change, each);
      else push(this.forgotten, change.id, { seq: commit.seq, below: change.below });
    }
  }

  #addRemoval({ seq, at }: Commit, { id, rev, versioned }: RemoveChange): void {
    push(this.documents, id, { seq });
    if (versioned) push(this.removals, id, { rev, seq, at });
  }

  #addPut(commit: Commit, change: PutChange, bytes: number): void {
    const { seq, at } = commit;
    const { ref, document, versioned, shareable = isShareable(document) } = change;
    const stored = { ref, seq, document, bytes, shareable };
    push(this.documents, document._id, { seq, stored });
    if (versioned) push(this.revisions, document._id, { seq, at, document });
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
