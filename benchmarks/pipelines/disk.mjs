import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes that a folder's files take on the disk. */
export function diskBytesOf(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, { parentPath, path, name }) =>
        sum + statSync(join(parentPath ?? path, name)).blocks * 512,
      0,
    );
}
