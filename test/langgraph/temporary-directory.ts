import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A directory of this test file, removed after it; `clear` empties it between tests. */
export function temporaryDirectory(): { readonly path: string; clear(): void } {
  const path = mkdtempSync(join(tmpdir(), 'jdbx-langgraph-'));
  afterAll(() => rmSync(path, { recursive: true }));
  return {
    path,
    clear: () => {
      for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
    },
  };
}
