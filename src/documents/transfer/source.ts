import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { describeThrown, JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject } from '../../base/values.js';
import type { ImportSource } from './contract.js';

const CHUNK_BYTES = 256 * 2 ** 10;

/** Bytes to import, as a stream that some sources can give more than once. */
export interface Origin {
  /** True when `open` may be called again. */
  readonly replayable: boolean;
  /** The name of the file, for its ending. */
  readonly name: string;
  readonly totalBytes?: number;
  open(): AsyncIterable<Uint8Array>;
}

/**
 * @throws {JdbxError} INVALID_IMPORT for a path that is no readable file
 * @throws {TypeError} for anything that is not a source
 */
export async function openSource(source: ImportSource): Promise<Origin> {
  if (typeof source === 'string' && source !== '') return fileOrigin(source);
  if (isStream(source)) return { replayable: false, name: '', open: () => bytesOf(source) };
  if (isPlainObject(source) && typeof source.text === 'string') return textOrigin(source.text);
  throw new TypeError(
    `import: expected a path, { text } or a stream of bytes, got ${describeType(source)}`,
  );
}

function isStream(source: unknown): source is AsyncIterable<Uint8Array | string> {
  return typeof source === 'object' && source !== null && Symbol.asyncIterator in source;
}

async function fileOrigin(path: string): Promise<Origin> {
  const facts = await stat(path).catch((cause) => {
    throw noFile(path, cause);
  });
  if (facts.isDirectory()) throw noFile(path, new Error('it is a directory'));
  // A pipe with a name, such as /dev/stdin, gives its bytes once.
  const replayable = facts.isFile();
  return {
    replayable,
    name: path,
    ...(replayable ? { totalBytes: facts.size } : {}),
    open: () => readFile(path),
  };
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    throw noFile(path, cause);
  }
}

function noFile(path: string, cause: unknown): JdbxError {
  return new JdbxError('INVALID_IMPORT', `expected a file at ${path}: ${describeThrown(cause)}`, {
    operation: 'import',
    cause,
  });
}

function textOrigin(text: string): Origin {
  const bytes = encode(text);
  return {
    replayable: true,
    name: '',
    totalBytes: bytes.length,
    async *open() {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        yield bytes.subarray(at, at + CHUNK_BYTES);
      }
    },
  };
}

async function* bytesOf(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  let half = '';
  for await (const chunk of source) {
    if (typeof chunk !== 'string') {
      yield checkBytes(chunk);
      continue;
    }
    const text = half + chunk;
    // A character of two units may be cut between two pieces of text.
    const cut = /[\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length;
    half = text.slice(cut);
    if (cut > 0) yield encode(text.slice(0, cut));
  }
  if (half !== '') encode(half);
}

function encode(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text);
  throw new JdbxError('INVALID_IMPORT', 'expected well-formed text, got a lone surrogate', {
    operation: 'import',
  });
}

function checkBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError(`import: expected a stream of bytes or text, got ${describeType(chunk)}`);
}
