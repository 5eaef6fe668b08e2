import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];
process.once('exit', () => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

/** An empty folder, removed when the process of the tests ends. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'jdbx-test-'));
  made.push(path);
  return path;
}

/** A path inside an empty folder where nothing is yet. */
export function temporaryStore(): string {
  return join(temporaryFolder(), 'store');
}

/** Rejects or throws, and this is what. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure');
}
