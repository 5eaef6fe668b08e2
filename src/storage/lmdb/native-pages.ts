import { requireNative } from '../../base/native-file.js';

/** What `native/pages_binding.c` exports. Pages are numbers; -1 is none. */
export interface NativePages {
  /** Maps a file of LMDB; null when it is none whose layout is known. The descriptor must stay open. */
  pagesOpen(file: number): object | null;
  pagesClose(pages: object): void;
  /** Where `pagesFind` reads and writes, until the next call. */
  pagesBind(pages: object, keys: Uint8Array, places: Uint32Array, values: Uint8Array): void;
  /** Transaction and root of both meta pages, into four numbers. */
  pagesMetas(pages: object, into: Float64Array): void;
  /** The root of a table, in the tree of tables with this root. */
  pagesTable(pages: object, root: number, name: string): number;
  /**
   * Looks up the keys from `from` to before `to`. The first half of the places says where each
   * key ends, the second half gets where each value does. One that is not there, or for which
   * there is no room at all, is empty. Returns the first key that was not looked up, since the
   * room was used up, or -1 when the file is damaged.
   */
  pagesFind(pages: object, root: number, from: number, to: number): number;
}

/** Undefined where the binary does not load. */
export const nativePages: NativePages | undefined = findPages();

function findPages(): NativePages | undefined {
  const native = requireNative();
  return typeof native === 'object' && 'pagesFind' in native ? (native as NativePages) : undefined;
}
