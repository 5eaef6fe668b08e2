import { JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';
import { toLogged } from '../bodies/commits.js';
import { type PackedCommit, type PackedPut, wholeCommit } from '../bodies/packed-commit.js';
import type {
  Commit,
  EngineSnapshot,
  LoggedCommit,
  StoredDocument,
  StoredRemoval,
  StoredRevision,
} from '../contract.js';
import type { Layer, Version } from './layer.js';
import { ownValue } from './own-value.js';

/**
 * The engine behind the journal as of some commit, with the layers' commits on top, up
 * to `seq`. The engine may have taken part of a layer in already: of a layer, only what
 * is newer than the engine's snapshot counts.
 */
export class JournalSnapshot implements EngineSnapshot {
  readonly seq: number;
  readonly #base: EngineSnapshot;
  /** Newest first. */
  readonly #layers: readonly Layer[];
  readonly #onClose: () => void;
  #closed = false;

  /** @param onClose gives the base back: other snapshots may stand on it too */
  constructor(base: EngineSnapshot, layers: readonly Layer[], seq: number, onClose: () => void) {
    this.seq = seq;
    this.#base = base;
    this.#layers = layers;
    this.#onClose = onClose;
  }

  get(id: string): StoredDocument | undefined {
    const version = this.#version(id);
    if (!version) return this.#base.get(id);
    return storedOf(version);
  }

  getMany(ids: readonly string[]): (StoredDocument | undefined)[] {
    this.#checkOpen();
    if (this.#layers.length === 0) return this.#base.getMany(ids);
    const versions = ids.map((id) => this.#version(id));
    const found = this.#base.getMany(ids.filter((_id, at) => !versions[at]));
    let next = 0;
    return versions.map((version) => (version ? storedOf(version) : found[next++]));
  }

  *documents(): Iterable<StoredDocument> {
    const own = this.#ownIds();
    let next = 0;
    for (const stored of this.#base.documents()) {
      const key = Buffer.from(stored.document._id);
      for (; next < own.length && Buffer.compare(own[next] as Buffer, key) < 0; next++) {
        yield* this.#own(own[next] as Buffer);
      }
      if (next < own.length && key.equals(own[next] as Buffer)) {
        yield* this.#own(own[next++] as Buffer);
      } else yield stored;
      this.#checkOpen();
    }
    for (; next < own.length; next++) yield* this.#own(own[next] as Buffer);
  }

  *revisions(id: string): Iterable<StoredRevision> {
    this.#checkOpen();
    const isKept = this.#keptOf(id);
    for (const revision of this.#base.revisions(id)) {
      if (isKept(revision.document._rev, revision.seq)) yield revision;
      this.#checkOpen();
    }
    for (const layer of this.#oldestFirst()) {
      for (const revision of layer.revisions.get(id) ?? []) {
        this.#checkOpen();
        const { seq, rev } = revision.put;
        if (this.#isOnTop(seq) && isKept(rev, seq)) yield revisionOf(revision);
      }
    }
  }

  *removals(id: string): Iterable<StoredRemoval> {
    const isKept = this.#keptOf(id);
    for (const removal of this.#base.removals(id)) {
      if (isKept(removal.rev, removal.seq)) yield removal;
    }
    for (const layer of this.#oldestFirst()) {
      for (const removal of layer.removals.get(id) ?? []) {
        this.#checkOpen();
        if (this.#isOnTop(removal.seq) && isKept(removal.rev, removal.seq)) yield removal;
      }
    }
  }

  *revisedIds(after = ''): Iterable<string> {
    const seen = Buffer.from(after);
    const ids = new Set(this.#layers.flatMap(({ revisions }) => [...revisions.keys()]));
    const own = [...ids].map((id) => Buffer.from(id)).filter((id) => Buffer.compare(id, seen) > 0);
    own.sort(Buffer.compare);
    let next = 0;
    for (const id of this.#base.revisedIds(after)) {
      const key = Buffer.from(id);
      for (; next < own.length && Buffer.compare(own[next] as Buffer, key) < 0; next++) {
        yield (own[next] as Buffer).toString();
      }
      if (next < own.length && key.equals(own[next] as Buffer)) next++;
      yield id;
    }
    for (; next < own.length; next++) yield (own[next] as Buffer).toString();
  }

  revision(id: string, rev: number): StoredRevision | undefined {
    this.#checkOpen();
    const isKept = this.#keptOf(id);
    for (const layer of this.#layers) {
      const found = layer.revisions
        .get(id)
        ?.findLast(({ put }) => put.rev === rev && this.#isOnTop(put.seq));
      if (found) return isKept(rev, found.put.seq) ? revisionOf(found) : undefined;
    }
    const found = this.#base.revision(id, rev);
    return found && isKept(rev, found.seq) ? found : undefined;
  }

  lastRevision(id: string): number {
    this.#checkOpen();
    const isKept = this.#keptOf(id);
    for (const layer of this.#layers) {
      const newest = layer.revisions.get(id)?.findLast(({ put }) => this.#isOnTop(put.seq))?.put;
      if (newest) return isKept(newest.rev, newest.seq) ? newest.rev : 0;
    }
    const last = this.#base.lastRevision(id);
    return last > 0 && isKept(last, this.#base.seq) ? last : 0;
  }

  *log(since: number): Iterable<Commit> {
    const start = this.logStart();
    // Who reads what was just committed need not ask there.
    const below = since < this.#base.seq ? this.#base.log(since) : [];
    for (const commit of below) {
      if (commit.seq >= start) yield commit;
      this.#checkOpen();
    }
    for (const layer of this.#oldestFirst()) {
      const from = Math.max(since + 1, start, this.#base.seq + 1);
      for (let at = placeOf(layer.commits, from); at < layer.commits.length; at++) {
        this.#checkOpen();
        const commit = layer.commits[at] as PackedCommit;
        if (commit.seq > this.seq) break;
        yield wholeCommit(commit);
      }
    }
  }

  logged(seq: number): LoggedCommit | undefined {
    if (seq > this.seq || seq < this.logStart()) return undefined;
    if (seq <= this.#base.seq) return this.#base.logged(seq);
    for (const { commits } of this.#layers) {
      const commit = commits[placeOf(commits, seq)];
      if (commit?.seq === seq) return toLogged(commit);
    }
    return undefined;
  }

  logStart(): number {
    this.#checkOpen();
    // Readers ask after every commit. The log only ever loses its beginning, so the newest
    // batch of a layer says how far; it is found at once, for it is one of the last.
    const wanted = this.#layers.flatMap((layer) => {
      if ((layer.commits.at(-1)?.seq ?? 0) <= this.#base.seq) return [];
      const newest = layer.batches.findLast(
        ({ commits }) => (commits.at(-1)?.seq ?? 0) <= this.seq,
      );
      const last = newest?.commits.at(-1)?.seq ?? 0;
      return newest && this.#isOnTop(last) ? [Math.min(newest.logFrom, last)] : [];
    });
    // The base's log may be empty; then it starts with the first commit on top of it.
    return wanted.reduce((start, from) => Math.max(start, from), this.#base.logStart());
  }

  named(name: string): Value | undefined {
    this.#checkOpen();
    for (const layer of this.#layers) {
      const set = layer.names.findLast(
        ({ seq, values }) => this.#isOnTop(seq) && Object.hasOwn(values, name),
      );
      if (set) return ownValue(set.values[name] as Value);
    }
    return this.#base.named(name);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  #version(id: string): Version | undefined {
    this.#checkOpen();
    for (const layer of this.#layers) {
      const version = layer.version(id, this.seq);
      if (version && version.seq > this.#base.seq) return version;
    }
    return undefined;
  }

  /** What the commits on top of the base have not forgotten. */
  #keptOf(id: string): (rev: number, seq: number) => boolean {
    const forgotten = this.#layers.flatMap((layer) =>
      (layer.forgotten.get(id) ?? []).filter(({ seq }) => this.#isOnTop(seq)),
    );
    if (forgotten.length === 0) return () => true;
    return (rev, seq) => !forgotten.some((each) => rev < each.below && seq < each.seq);
  }

  #isOnTop(seq: number): boolean {
    return seq > this.#base.seq && seq <= this.seq;
  }

  /** Ids that the layers hold, in the order of their bytes. */
  #ownIds(): Buffer[] {
    const ids = new Set(this.#layers.flatMap((layer) => [...layer.ids()]));
    return [...ids]
      .filter((id) => this.#version(id))
      .map((id) => Buffer.from(id))
      .sort(Buffer.compare);
  }

  #own(key: Buffer): StoredDocument[] {
    const version = this.#version(key.toString());
    return version?.kind === 'put' ? [version.stored()] : [];
  }

  #oldestFirst(): readonly Layer[] {
    return this.#layers.toReversed();
  }

  #checkOpen(): void {
    if (this.#closed) throw new JdbxError('STORE_CLOSED', 'expected an open snapshot');
  }
}

function storedOf(version: Version): StoredDocument | undefined {
  return version.kind === 'put' ? version.stored() : undefined;
}

function revisionOf({ at, put }: { at: number; put: PackedPut }): StoredRevision {
  return { seq: put.seq, at, document: put.document };
}

/** Where the first commit from `seq` on stands. */
function placeOf(commits: readonly Commit[], seq: number): number {
  let [low, high] = [0, commits.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((commits[middle] as Commit).seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
