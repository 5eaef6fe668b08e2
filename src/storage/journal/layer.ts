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

/** One state of a document; no `document` where it was removed. */
export type Version = StoredDocument | { readonly seq: number; readonly document?: undefined };

/**
 * Commits that are in the journal and not yet in the engine behind it, readable as of
 * any of them. Only ever added to; snapshots hold the layers that they need.
 */
export class Layer {
  readonly batches: EngineBatch[] = [];
  readonly commits: Commit[] = [];
  /** Most documents are written once while a layer grows: then no list is made. */
  readonly #documents = new Map<string, Version | Version[]>();
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

  /** Of the documents that were written. */
  ids(): Iterable<string> {
    return this.#documents.keys();
  }

  /** The newest state that is not newer than commit `seq`. */
  version(id: string, seq: number): Version | undefined {
    const found = this.#documents.get(id);
    if (Array.isArray(found)) return found.findLast((version) => version.seq <= seq);
    return found && found.seq <= seq ? found : undefined;
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
    this.#show(id, { seq });
    if (versioned) push(this.removals, id, { rev, seq, at });
  }

  #addPut(commit: Commit, change: PutChange, bytes: number): void {
    const { seq, at } = commit;
    const { ref, document, versioned, shareable = isShareable(document) } = change;
    // One that was copied on its way in is not the one that its committer shows.
    const isOwn = change.stored?.document === document;
    const stored = isOwn ? change.stored : { ref, seq, document, bytes, shareable };
    this.#show(document._id, stored as StoredDocument);
    if (versioned) push(this.revisions, document._id, { seq, at, document });
  }

  #show(id: string, version: Version): void {
    const before = this.#documents.get(id);
    if (before === undefined) this.#documents.set(id, version);
    else if (Array.isArray(before)) before.push(version);
    else this.#documents.set(id, [before, version]);
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
