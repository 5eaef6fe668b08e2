import { closeSync, openSync } from 'node:fs';
import { decodeNamed } from '../codec.js';
import { writeIdKey } from './keys.js';
import { type NativePages, nativePages } from './native-pages.js';

/** Keys looked up by one call, and room for them and for their values. */
const KEYS_MAX = 1_024;
const KEYS_BYTES = 64 * 1_024;
const VALUES_BYTES = 256 * 1_024;
/** Bytes that one UTF-16 unit takes in UTF-8, at most. */
const UNIT_BYTES = 3;

/** The names of tables, as `lmdb` writes them. */
const DOCUMENTS = 'documents\0';
const NAMES = 'names\0';

/** Takes the value of key number `at`: the bytes from `start` to before `end`, until it returns. */
export type TakeValue = (at: number, bytes: Buffer, start: number, end: number) => void;

/**
 * Reads an LMDB file past LMDB, many keys at a stroke (`native/pages.h`). Trees stay as they are
 * while a read transaction of LMDB holds their commit: who reads here has one open.
 */
export class PageReader {
  readonly #native: NativePages;
  readonly #file: number;
  readonly #pages: object;
  readonly #metas = new Float64Array(4);
  readonly #keys = Buffer.alloc(KEYS_BYTES);
  readonly #places = new Uint32Array(2 * KEYS_MAX);
  readonly #values = Buffer.alloc(VALUES_BYTES);
  #isClosed = false;

  private constructor(native: NativePages, file: number, pages: object) {
    this.#native = native;
    this.#file = file;
    this.#pages = pages;
    native.pagesBind(pages, this.#keys, this.#places, this.#values);
  }

  /** Undefined where the native part is missing, or does not know the file's layout. */
  static open(path: string): PageReader | undefined {
    if (!nativePages) return undefined;
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      const pages = nativePages.pagesOpen(file);
      if (pages) return new PageReader(nativePages, file, pages);
    } catch {
      // LMDB, which has the file open, tells what is wrong with it.
    }
    if (file !== undefined) closeSync(file);
    return undefined;
  }

  /**
   * The root of the documents as of a commit that a read transaction of LMDB holds. Undefined
   * when neither meta page is its own any more: they are written in turn.
   */
  documentsAt(seq: number): number | undefined {
    const metas = this.#metas;
    this.#native.pagesMetas(this.#pages, metas);
    const [newer, older] = (metas[0] as number) >= (metas[2] as number) ? [1, 3] : [3, 1];
    // The newer one of two that show the commit is what the transaction holds, or newer.
    for (const at of [newer, older]) {
      const root = metas[at] as number;
      if (this.#seqAt(root) !== seq) continue;
      const documents = this.#native.pagesTable(this.#pages, root, DOCUMENTS);
      return documents < 0 ? undefined : documents;
    }
    return undefined;
  }

  /**
   * Looks up the documents table, and gives those that are there and not huge, in order. False
   * when that cannot be done here.
   */
  read(root: number, ids: readonly string[], take: TakeValue): boolean {
    for (let from = 0; from < ids.length; ) {
      const count = this.#writeKeys(ids, from);
      if (count === 0 || !this.#find(root, count, from, take)) return false;
      from += count;
    }
    return true;
  }

  /** Safe to call twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#native.pagesClose(this.#pages);
    closeSync(this.#file);
  }

  /** As many as there is room for. */
  #writeKeys(ids: readonly string[], from: number): number {
    const keys = this.#keys;
    const places = this.#places;
    const most = Math.min(ids.length - from, KEYS_MAX);
    let end = 0;
    for (let count = 0; count < most; count++) {
      const id = ids[from + count] as string;
      if (id.length * UNIT_BYTES > KEYS_BYTES - end) return count;
      end = writeIdKey(id, keys, end);
      places[count] = end;
    }
    return most;
  }

  #find(root: number, count: number, from: number, take: TakeValue): boolean {
    const places = this.#places;
    for (let at = 0; at < count; ) {
      const next = this.#native.pagesFind(this.#pages, root, at, count);
      if (next <= at) return false;
      for (let start = 0; at < next; at++) {
        const end = places[KEYS_MAX + at] as number;
        if (end > start) take(from + at, this.#values, start, end);
        start = end;
      }
    }
    return true;
  }

  /** The newest commit of the store as the tree of tables with this root shows it. */
  #seqAt(root: number): unknown {
    const names = this.#native.pagesTable(this.#pages, root, NAMES);
    let seq: unknown;
    try {
      this.read(names, ['seq'], (_at, bytes, start, end) => {
        seq = decodeNamed(bytes.subarray(start, end));
      });
    } catch {
      // Pages that the transaction does not hold may have been written over.
    }
    return seq;
  }
}
