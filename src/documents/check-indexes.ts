import type { Document } from '../base/document.js';
import { compareKeys } from '../base/key-bytes.js';
import type { DocumentRef, OrderedIndex } from '../indexes/contract.js';
import type { IndexDefinition } from '../query/contract.js';
import { indexKeys } from '../query/index-keys.js';
import type { StoredDocument } from '../storage/contract.js';
import { catchUp, typeKeys } from './catch-up.js';
import { definitionKey, TYPE_INDEX_KEY } from './definition-key.js';
import type { IndexSaves } from './index-saves.js';
import { readTail } from './index-tail.js';
import type { View } from './view.js';

/**
 * Every index against a scan of the documents, in bounded memory: both sides are counted and
 * summed up by hashes of their entries, in whatever order they come. Only where the sums
 * differ the entries themselves are laid side by side.
 */
export class IndexChecks {
  readonly #view: View;
  readonly #checks: IndexCheck[];

  constructor(view: View) {
    this.#view = view;
    const types = { name: 'the type index', index: view.typeIndex, definition: undefined };
    const others = view
      .allIndexes()
      .map(({ definition, index }) => ({ name: definition.name, index, definition }));
    this.#checks = [types, ...others].map((each) => ({ ...each, expected: new Sum() }));
  }

  /** Without the type index. */
  get count(): number {
    return this.#checks.length - 1;
  }

  expect(stored: StoredDocument): void {
    for (const check of this.#checks) {
      for (const key of keysOf(check.definition, stored.document))
        check.expected.add(key, stored.ref);
    }
  }

  /** Says for each index how many entries it has, and tells what is wrong. */
  *entries(tell: (problem: string) => void): Generator<number> {
    for (const check of this.#checks) yield compare(check, this.#view, tell);
  }

  /**
   * Reads every saved index whole, and compares it, brought up to this commit by the change log
   * as opening does, with the same scan. One that opening would not use is passed over.
   */
  *saved(saves: IndexSaves, tell: (problem: string) => void): Generator<number> {
    for (const round of saves.rounds()) {
      for (const definition of saves.definitions(round)) {
        yield this.#compareSaved(saves, round, definition, tell);
      }
    }
  }

  #compareSaved(
    saves: IndexSaves,
    round: number,
    key: string,
    tell: (problem: string) => void,
  ): number {
    const saved = saves.examine(round, key);
    const live = this.#checks.find(({ definition }) => keyOf(definition) === key);
    const name = `saved index ${round}/${key}${live ? ` (${live.name})` : ''}`;
    if (saved === 'damaged') tell(`${name}: damaged; opening the store builds it anew`);
    if (saved === undefined || saved === 'damaged') return 0;
    try {
      const tail = live && readTail(this.#view.engine, saved.label, Number.POSITIVE_INFINITY);
      if (!live || !tail) return 1;
      const { definition, expected } = live;
      catchUp(saves.files, saved, tail, this.#view.seq, (document) => keysOf(definition, document));
      compare({ name, index: saved.index, definition, expected }, this.#view, tell);
      return 1;
    } finally {
      saved.index.close();
    }
  }
}

/** One index beside what a scan gives for it; without a definition the one over `(_type, _id)`. */
interface IndexCheck {
  readonly name: string;
  readonly index: OrderedIndex;
  readonly definition: IndexDefinition | undefined;
  readonly expected: Sum;
}

function keyOf(definition: IndexDefinition | undefined): string {
  return definition ? definitionKey(definition) : TYPE_INDEX_KEY;
}

function keysOf(
  definition: IndexDefinition | undefined,
  document: Document,
): readonly Uint8Array[] {
  if (!definition) return typeKeys(document);
  return document._type === definition.type ? indexKeys(definition, document).keys : [];
}

function compare(check: IndexCheck, view: View, tell: (problem: string) => void): number {
  const { name, index, definition, expected } = check;
  const found = new Sum();
  let before: { readonly key: Uint8Array; readonly ref: number } | undefined;
  for (const entry of entriesOf(index, view.seq)) {
    found.add(entry.key, entry.ref);
    const order = before ? compareKeys(before.key, entry.key) : -1;
    if (before && (order > 0 || (order === 0 && before.ref >= entry.ref))) {
      tell(`${name}: the entry of ${view.idOf(entry.ref)} is out of order`);
    }
    if (before && order === 0 && definition?.unique) {
      tell(`${name}: ${view.idOf(before.ref)} and ${view.idOf(entry.ref)} have one unique key`);
    }
    before = entry;
  }
  if (!found.equals(expected)) for (const each of differences(check, view)) tell(each);
  return found.count;
}

/** How many differences of one index are named. */
const NAMED_MAX = 10;

function* differences({ name, index, definition, expected }: IndexCheck, view: View) {
  const wanted = new Map<string, number>();
  const text = (key: Uint8Array, ref: DocumentRef) =>
    `${ref} ${Buffer.from(key).toString('latin1')}`;
  for (const stored of view.engine.documents()) {
    for (const key of keysOf(definition, stored.document))
      wanted.set(text(key, stored.ref), stored.ref);
  }
  let named = 0;
  for (const { key, ref } of entriesOf(index, view.seq)) {
    if (wanted.delete(text(key, ref)) || named++ >= NAMED_MAX) continue;
    yield `${name}: an entry of ${view.idOf(ref) ?? `ref ${ref}`} that a full scan does not give`;
  }
  for (const ref of wanted.values()) {
    if (named++ < NAMED_MAX) yield `${name}: misses an entry of ${view.idOf(ref) ?? `ref ${ref}`}`;
  }
  yield `${name}: a full scan gives ${expected.count} entries, ${named} differ`;
}

function* entriesOf(index: OrderedIndex, seq: number) {
  const refs = new Uint32Array(256);
  const keys: Uint8Array[] = [];
  const cursor = index.scan({}, seq);
  try {
    for (let count = cursor.next({ refs, keys }); count > 0; count = cursor.next({ refs, keys })) {
      for (let at = 0; at < count; at++) {
        yield { key: keys[at] as Uint8Array, ref: refs[at] as number };
      }
    }
  } finally {
    cursor.close();
  }
}

/** A sum over entries that does not depend on their order. */
class Sum {
  count = 0;
  #low = 0;
  #high = 0;

  add(key: Uint8Array, ref: DocumentRef): void {
    // 32-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), from two starts.
    let low = 0x811c9dc5;
    let high = 0x01234567;
    for (const byte of key) {
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high ^ byte, 0x01000193);
    }
    low = Math.imul(low ^ ref, 0x01000193);
    high = Math.imul(high ^ (ref >>> 7), 0x01000193) ^ ref;
    this.count++;
    this.#low = (this.#low + (low >>> 0)) % Number.MAX_SAFE_INTEGER;
    this.#high = (this.#high + (Math.imul(high, low | 1) >>> 0)) % Number.MAX_SAFE_INTEGER;
  }

  equals(other: Sum): boolean {
    return this.count === other.count && this.#low === other.#low && this.#high === other.#high;
  }
}
