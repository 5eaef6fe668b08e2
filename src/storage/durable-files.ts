import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes what was written to a file durable. */
export function syncFile(path: string): void {
  sync(path, 'r+');
}

/** Makes the names in a directory durable. Windows cannot open directories, and needs not. */
export function syncDirectory(path: string): void {
  if (process.platform !== 'win32') sync(path, 'r');
}

function sync(path: string, flags: string): void {
  const fd = openSync(path, flags);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a directory and those above it. Node's own recursive way tells of a file system that
 * may not be written as if something were missing (seen with Node 20.20).
 *
 * @returns the first directory that was made, if any
 */
export function makeDirectories(path: string): string | undefined {
  if (existsSync(path)) return mkdirSync(path, { recursive: true });
  const above = dirname(path) === path ? undefined : makeDirectories(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isDirectory(path)) throw error;
    return above;
  }
  return above ?? path;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
