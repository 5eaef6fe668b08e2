import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { KeyWriter, writeField } from '../base/key-bytes.js';
import type { ChangeList, OrderedIndex } from '../indexes/contract.js';
import { PackedChanges } from '../indexes/packed-changes.js';
import { indexFacts } from '../query/index-facts.js';
import { writeIndexKeys } from '../query/index-keys.js';
import { keysIn, type LiveIndex, toChanges } from './live-index.js';

/** A document before and after a change; `before` absent at its first insert, `after` at its removal. */
export interface IndexedChange {
  readonly ref: number;
  readonly before: Document | undefined;
  readonly after: Document | undefined;
}

/** What a staging writes to. */
export interface StagedIndexes {
  readonly typeIndex: OrderedIndex;
  indexesOf(type: string): readonly LiveIndex[];
}

/** Changes that an index holds, kept until their commits are safe so that they can be taken back. */
interface Applied {
  readonly index: OrderedIndex;
  readonly changes: ChangeList;
  readonly seq: number;
}

/**
 * The index entries of commits that are shown together. They are gathered by index and
 * entered at one stroke, all under the newest commit's `seq`: no reader can name a commit
 * between. Only a unique index is kept up to date with each commit, since the next one is
 * checked against it.
 */
export class IndexStaging {
  readonly #indexes: StagedIndexes;
  readonly #waiting = new Map<OrderedIndex, PackedChanges>();
  #applied: Applied[] = [];

  constructor(indexes: StagedIndexes) {
    this.#indexes = indexes;
  }

  /**
   * Takes a commit's changes in, or refuses them whole.
   *
   * @throws {JdbxError} DUPLICATE_KEY, INVALID_DOCUMENT, INDEX_FULL
   */
  add(changes: readonly IndexedChange[], seq: number): void {
    for (const list of this.#waiting.values()) list.mark();
    const applied = this.#applied.length;
    try {
      let hasUnique = false;
      for (const change of changes) if (this.#gather(change, seq)) hasUnique = true;
      if (hasUnique) this.#enterUnique(changes, seq);
    } catch (error) {
      for (const list of this.#waiting.values()) list.rewind();
      this.#takeBack(applied);
      throw error;
    }
  }

  /**
   * Enters what was taken in, all of it or nothing.
   *
   * @param seq of the newest commit
   * @throws {JdbxError} INDEX_FULL
   */
  apply(seq: number): void {
    try {
      for (const [index, changes] of this.#waiting) this.#apply(index, changes, seq);
    } catch (error) {
      this.revert();
      throw error;
    }
  }

  /** Takes everything out again. */
  revert(): void {
    this.#takeBack(0);
  }

  /** For the next commits. */
  clear(): void {
    this.#applied = [];
    for (const [index, list] of this.#waiting) {
      // What a huge commit took is not held for ever.
      if (list.bytes.length > KEPT_BYTES_MAX) this.#waiting.delete(index);
      else list.clear();
    }
  }

  /** Lets go of an index that is in use no more. */
  forget(index: OrderedIndex): void {
    this.#waiting.delete(index);
  }

  #apply(index: OrderedIndex, changes: ChangeList, seq: number): void {
    if (changes.length === 0) return;
    index.apply(changes, seq);
    this.#applied.push({ index, changes, seq });
  }

  #takeBack(to: number): void {
    while (this.#applied.length > to) {
      const { index, changes, seq } = this.#applied.pop() as Applied;
      index.revert(changes, seq);
    }
  }

  #of(index: OrderedIndex): PackedChanges {
    const known = this.#waiting.get(index);
    if (known) return known;
    const list = new PackedChanges();
    this.#waiting.set(index, list);
    return list;
  }

  /** Returns whether a unique index has to do with the change. */
  #gather(change: IndexedChange, seq: number): boolean {
    const { before, after } = change;
    let hasUnique = false;
    if (before && before._type !== after?._type) {
      this.#type('remove', before, change.ref);
      hasUnique = this.#gatherIn(before._type, { ...change, after: undefined }, seq);
    }
    if (!after) return hasUnique;
    if (before?._type === after._type) return this.#gatherIn(after._type, change, seq);
    this.#type('insert', after, change.ref);
    const made = before ? { ...change, before: undefined } : change;
    return this.#gatherIn(after._type, made, seq) || hasUnique;
  }

  #gatherIn(type: string, change: IndexedChange, seq: number): boolean {
    let hasUnique = false;
    for (const live of this.#indexes.indexesOf(type)) {
      if (live.definition.unique) hasUnique = true;
      else gatherKeys(live, change, seq, this.#of(live.index));
    }
    return hasUnique;
  }

  #type(kind: 'insert' | 'remove', { _type, _id }: Document, ref: number): void {
    writer.reset();
    writeField(writer, _type, 1);
    writeField(writer, _id, 1);
    this.#of(this.#indexes.typeIndex).begin(kind, ref).key(writer.bytes, writer.end);
  }

  /** All removals go first: one commit may hand a unique key to another document. */
  #enterUnique(changes: readonly IndexedChange[], seq: number): void {
    const types = new Set(changes.flatMap(({ before, after }) => [before?._type, after?._type]));
    for (const type of types) {
      for (const live of type === undefined ? [] : this.#indexes.indexesOf(type)) {
        if (live.definition.unique) this.#enterOne(live, changes, seq);
      }
    }
  }

  #enterOne(live: LiveIndex, changes: readonly IndexedChange[], seq: number): void {
    const deltas = changes.map((change) => deltaOf(live, change, seq));
    const removes = deltas.flatMap(({ ref, removed }) => toChanges('remove', removed, ref));
    this.#apply(live.index, removes, seq);
    for (const { id, ref, inserted } of deltas) {
      checkUnique(live, inserted, id, seq);
      this.#apply(live.index, toChanges('insert', inserted, ref), seq);
    }
  }
}

const KEPT_BYTES_MAX = 2 ** 20;
const writer = new KeyWriter();
const NO_KEYS: readonly Uint8Array[] = [];

/** Of a document whose type stayed, came or went. */
function gatherKeys(live: LiveIndex, change: IndexedChange, seq: number, to: PackedChanges): void {
  const { ref, after } = change;
  const before = isHeld(live, change, seq) ? change.before : undefined;
  if (!before && after) writeKeys(live, after, to.begin('insert', ref));
  else if (before && !after) writeKeys(live, before, to.begin('remove', ref));
  else if (before && after && !isUntouched(live, before, after)) {
    const { removed, inserted } = differenceOf(keysIn(live, before), keysIn(live, after));
    for (const key of removed) to.begin('remove', ref).key(key, key.length);
    for (const key of inserted) to.begin('insert', ref).key(key, key.length);
  }
}

function writeKeys(live: LiveIndex, document: Document, to: PackedChanges): void {
  if (writeIndexKeys(live.definition, document, to)) live.multikey = true;
}

/** An index that this very commit makes was filled without the documents that it changes. */
function isHeld(live: LiveIndex, { before }: IndexedChange, seq: number): boolean {
  return live.since < seq && before?._type === live.definition.type;
}

/** What one change does to one index. */
interface Delta {
  readonly id: string;
  readonly ref: number;
  readonly removed: readonly Uint8Array[];
  readonly inserted: readonly Uint8Array[];
}

function deltaOf(live: LiveIndex, change: IndexedChange, seq: number): Delta {
  const { ref, after } = change;
  const id = after?._id ?? '';
  const before = isHeld(live, change, seq) ? change.before : undefined;
  if (before && after && isUntouched(live, before, after)) {
    return { id, ref, removed: NO_KEYS, inserted: NO_KEYS };
  }
  const old = before ? keysIn(live, before) : NO_KEYS;
  const now = after?._type === live.definition.type ? keysIn(live, after) : NO_KEYS;
  return { id, ref, ...differenceOf(old, now) };
}

function differenceOf(old: readonly Uint8Array[], now: readonly Uint8Array[]) {
  return { removed: without(old, now), inserted: without(now, old) };
}

/** Whether all that an index reads of a document stayed as it was, as far as a quick look tells. */
function isUntouched({ definition }: LiveIndex, before: Document, after: Document): boolean {
  if (definition.wildcard || definition.partial || before._type !== after._type) return false;
  return indexFacts(definition).roots.every((root) => isSame(before[root], after[root]));
}

function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
  return left.every((item, at) => item === right[at]);
}

function without(
  keys: readonly Uint8Array[],
  others: readonly Uint8Array[],
): readonly Uint8Array[] {
  if (others.length === 0 || keys.length === 0) return keys;
  return keys.filter((key) => !others.some((other) => Buffer.compare(key, other) === 0));
}

/** @throws {JdbxError} DUPLICATE_KEY when one of the keys has a document already */
export function checkUnique(
  live: LiveIndex,
  keys: readonly Uint8Array[],
  id: string,
  seq: number,
): void {
  if (!live.definition.unique) return;
  for (const key of keys) {
    if (live.index.count({ lower: key, upper: key, upperInclusive: true }, seq) === 0) continue;
    const fields = live.definition.fields.map(({ path }) => path).join(', ');
    throw new JdbxError('DUPLICATE_KEY', `expected a unique ${fields} (${live.id})`, {
      details: { id, index: live.id },
    });
  }
}
