import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isJdbxError, type JdbxError } from '#jdbx/base/errors.js';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';

/** A new store in memory; indexes and checks are the real ones. */
export function openEmpty(): Promise<Jdbx> {
  return open(MEMORY, { workers: 1 });
}

/** Runs `work` with the path of a file that holds `text`. */
export async function withFile<T>(
  name: string,
  text: string | Uint8Array,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'jdbx-transfer-'));
  try {
    const path = join(directory, name);
    await writeFile(path, text);
    return await work(path);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The coded error that `work` ends with. */
export async function failureOf(work: Promise<unknown>): Promise<JdbxError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (isJdbxError(error)) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

export async function* streamOf(
  ...chunks: (string | Uint8Array)[]
): AsyncGenerator<string | Uint8Array> {
  yield* chunks;
}

export async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}
