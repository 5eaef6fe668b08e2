import { JdbxError } from '../base/errors.js';
import { checkSeq } from './checks.js';
import type {
  ChangeList,
  DocumentRef,
  EntryRun,
  FirstOptions,
  IndexBatch,
  IndexChange,
  IndexCursor,
  KeyRange,
  KeySpan,
  OrderedIndex,
} from './contract.js';
import { TIED } from './first-read.js';
import { describeKey, toKeyText } from './key-text.js';
import type { NativeBinary, NativeList } from './native-binary.js';
import { type NativeExchange, type NativeRange, toNativeRange } from './native-exchange.js';

/** Statuses of `native/skiplist.h`. */
const OK = 0;
const NO_MEMORY = 1;
const NO_ROOM = 7;
const IS_TIED = 8;
const RUN_ENTRIES = 4_096;
const REASONS: Readonly<Record<number, string>> = {
  2: 'another thread is writing to the index',
  3: 'it lives already',
  4: 'it does not live',
  5: 'it has seen a later seq',
  6: 'it was not changed so last, at that seq',
};

/** One list of the binary behind the contract; `native.ts` makes it. */
export class NativeIndex implements OrderedIndex {
  readonly #binary: NativeBinary;
  readonly #exchange: NativeExchange;
  #list: NativeList | undefined;

  constructor(binary: NativeBinary, exchange: NativeExchange, list: NativeList) {
    this.#binary = binary;
    this.#exchange = exchange;
    this.#list = list;
  }

  get handle(): number {
    return this.#binary.handle(this.#open());
  }

  apply(changes: ChangeList, seq: number): void {
    this.#write('apply', changes, seq);
  }

  revert(changes: ChangeList, seq: number): void {
    this.#write('revert', changes, seq);
  }

  scan(range: KeyRange, seq: number): IndexCursor {
    this.#open();
    checkSeq(seq);
    const list = () => this.#open();
    return new NativeCursor(this.#binary, this.#exchange, list, toNativeRange(range, true), seq);
  }

  first(span: KeySpan, seq: number, { wanted, reverse, distinct }: FirstOptions): number {
    const list = this.#open();
    checkSeq(seq);
    for (;;) {
      this.#exchange.writeSpan(span, seq, wanted, reverse, distinct);
      const count = this.#binary.first(list);
      if (count >= 0) return count;
      if (count === -IS_TIED) return TIED;
      this.#makeRoom(count);
    }
  }

  count(range: KeyRange, seq: number): number {
    const list = this.#open();
    checkSeq(seq);
    this.#exchange.writeRange(toNativeRange(range, false), seq, false);
    return this.#binary.count(list);
  }

  release(seq: number): void {
    checkSeq(seq);
    const list = this.#open();
    this.#exchange.seq = seq;
    const status = this.#binary.release(list);
    if (status !== OK) throw new Error(`cannot release seq ${seq}: ${REASONS[status]}`);
  }

  stats(): { readonly entries: number; readonly live: number; readonly bytes: number } {
    this.#binary.stats(this.#open());
    return this.#exchange.stats;
  }

  close(): void {
    if (this.#list) this.#binary.close(this.#list);
    this.#list = undefined;
  }

  /** As `IndexFiles.save`, but that a refusal is minus the system's error number. */
  save(path: string, seq: number, label: string): Promise<number> | null {
    checkSeq(seq);
    const list = this.#open();
    this.#exchange.seq = seq;
    return this.#binary.save(list, path, label);
  }

  /** As `IndexFiles.purge`. */
  purge(refs: readonly DocumentRef[]): void {
    const bits = new Uint8Array(
      Math.floor(refs.reduce((max, ref) => Math.max(max, ref), 0) / 8) + 1,
    );
    for (const ref of refs) bits[ref >>> 3] = (bits[ref >>> 3] as number) | (1 << (ref & 7));
    const status = this.#binary.purge(this.#open(), bits);
    if (status !== OK) throw new Error(`cannot purge: ${REASONS[status]}`);
  }

  /** As `IndexFiles.runs`. */
  *runs(seq: number): Generator<EntryRun, void> {
    const refs = new Uint32Array(RUN_ENTRIES);
    const list = () => this.#open();
    const range = toNativeRange({}, true);
    const cursor = new NativeCursor(this.#binary, this.#exchange, list, range, seq);
    for (;;) {
      const run = cursor.nextRun(refs);
      if (!run) return;
      yield run;
    }
  }

  #write(verb: 'apply' | 'revert', changes: ChangeList, seq: number): void {
    const list = this.#open();
    checkSeq(seq);
    this.#exchange.writeChanges(changes);
    this.#exchange.seq = seq;
    const status = this.#binary[verb](list, changes.length);
    if (status !== OK) throw refusal(verb, status, changes.at(this.#exchange.failed));
  }

  /** For a key that had none. */
  #makeRoom(refused: number): void {
    if (refused !== -NO_ROOM) throw new Error(`cannot read the index: status ${-refused}`);
    this.#exchange.growOutput();
  }

  #open(): NativeList {
    if (!this.#list) throw new Error('the index is closed');
    return this.#list;
  }
}

function refusal(verb: 'apply' | 'revert', status: number, change: IndexChange | undefined): Error {
  if (status === NO_MEMORY) {
    return new JdbxError('INDEX_FULL', 'expected memory for an index entry, got none');
  }
  const reason = REASONS[status] ?? `status ${status}`;
  if (!change) return new Error(`cannot ${verb}: ${reason}`);
  const { kind, key, ref } = change;
  const what = verb === 'apply' ? kind : `revert the ${kind} of`;
  return new Error(
    `cannot ${what} the entry (key ${describeKey(toKeyText(key))}, ref ${ref}): ${reason}`,
  );
}

/**
 * Reads a range in batches. It holds nothing of the list: the last key read, in
 * this thread's memory, is where the next batch begins.
 */
class NativeCursor implements IndexCursor {
  readonly #binary: NativeBinary;
  readonly #exchange: NativeExchange;
  readonly #list: () => NativeList;
  readonly #seq: number;
  #range: NativeRange;
  #done = false;

  constructor(
    binary: NativeBinary,
    exchange: NativeExchange,
    list: () => NativeList,
    range: NativeRange,
    seq: number,
  ) {
    this.#binary = binary;
    this.#exchange = exchange;
    this.#list = list;
    this.#range = range;
    this.#seq = seq;
  }

  next({ refs, keys }: IndexBatch): number {
    if (refs.length === 0) throw new RangeError('expected a batch with room, got length 0');
    if (this.#done) return 0;
    const count = this.#read(refs, keys !== undefined);
    if (keys) this.#exchange.readKeys(count, keys);
    if (this.#exchange.done) this.close();
    else this.#goOnFrom(refs[count - 1] as number, keys !== undefined);
    return count;
  }

  /** The next entries with their keys in one piece; `undefined` at the end. */
  nextRun(refs: Uint32Array): EntryRun | undefined {
    if (this.#done) return undefined;
    const count = this.#read(refs, true);
    if (this.#exchange.done) this.close();
    else this.#goOnFrom(refs[count - 1] as number, true);
    return { count, refs, ...this.#exchange.keysRead(count) };
  }

  close(): void {
    this.#done = true;
  }

  #read(refs: Uint32Array, wantsKeys: boolean): number {
    const list = this.#list();
    for (;;) {
      this.#exchange.writeRange(this.#range, this.#seq, wantsKeys);
      const count = this.#binary.read(list, refs);
      if (count >= 0) return count;
      if (count !== -NO_ROOM) throw new Error(`cannot read the index: status ${-count}`);
      this.#exchange.growOutput();
    }
  }

  #goOnFrom(ref: number, wantsKeys: boolean): void {
    const key = this.#exchange.lastKey(wantsKeys);
    const { low, high, reverse } = this.#range;
    if (reverse) this.#range = { low, high: { key, ref: ref - 1 }, reverse };
    else this.#range = { low: { key, ref }, high, reverse };
  }
}
