import { statSync } from 'node:fs';

/** The name of the LMDB file in a store's directory. Part of the stored format. */
export const STORE_FILE = 'jdbx.mdb';

/** A compact copy that is being written, or that a kill left. */
export function compactOf(file: string): string {
  return `${file}.compact`;
}

/** LMDB's file of locks and readers, beside it. */
export function lockFileOf(file: string): string {
  return `${file}-lock`;
}

/** Which file a path names just now; undefined when none. */
export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
