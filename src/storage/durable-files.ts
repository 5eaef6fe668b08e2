import { closeSync, fsyncSync, openSync } from 'node:fs';

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
