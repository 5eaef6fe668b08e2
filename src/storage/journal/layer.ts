import type { Value } from '../../base/values.js';
import type { PackedCommit, PackedPut } from '../bodies/packed-commit.js';
import type { RemoveChange, StoredRemoval } from '../contract.js';
import type { KeptBatch } from './record.js';

/** One state of a document: a put, or that a commit removed it. */
export type Version = PackedPut | Gone;

export interface Gone {
  readonly seq: number;
  readonly kind?: undefined;
}

/**
 * Commits that are in the journal and not yet in the engine behind it, readable as of
 * any of them. Only ever added to; snapshots hold the layers that they need. Documents are
 * held as their bytes: thousands of objects that live for a while are what a collector that
 * looks for the young dead copies again and again.
 */
export class Layer {
  readonly batches: KeptBatch[] = [];
  readonly commits: PackedCommit[] = [];
  /** Most documents are written once while a layer grows: then no list is made. */
  readonly #documents = new Map<string, Version | Version[]>();
  readonly revisions = new Map<string, { readonly at: number; readonly put: PackedPut }[]>();
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

  add(batch: KeptBatch, bytes: number): void {
    this.batches.push(batch);
    this.bytes += bytes;
    for (const commit of batch.commits) this.#addCommit(commit);
    const last = batch.commits.at(-1) as PackedCommit;
    this.names.push({ seq: last.seq, values: batch.names });
  }

  #addCommit(commit: PackedCommit): void {
    this.commits.push(commit);
    for (const change of commit.changes) {
      if (change.kind === 'remove') this.#addRemoval(commit, change);
      else if (change.kind === 'put') this.#addPut(commit, change);
      else push(this.forgotten, change.id, { seq: commit.seq, below: change.below });
    }
  }

  #addRemoval({ seq, at }: PackedCommit, { id, rev, versioned }: RemoveChange): void {
    this.#show(id, { seq });
    if (versioned) push(this.removals, id, { rev, seq, at });
  }

  #addPut({ at }: PackedCommit, put: PackedPut): void {
    this.#show(put.id, put);
    if (put.versioned) push(this.revisions, put.id, { at, put });
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
