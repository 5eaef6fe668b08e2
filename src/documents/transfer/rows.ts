import { formatOfName, sniffFormat } from './choose-format.js';
import type { ImportOptions, Line, Row, TextFormat } from './contract.js';
import { readLines } from './lines.js';
import { readCsv } from './read-csv.js';
import { readJson } from './read-json.js';
import { readJsonLines } from './read-jsonl.js';
import type { Origin } from './source.js';

/** One pass over the text of a source. */
export class Pass {
  /** Bytes read so far. */
  bytes = 0;
  readonly #origin: Origin;
  readonly #options: ImportOptions;

  constructor(origin: Origin, options: ImportOptions) {
    this.#origin = origin;
    this.#options = options;
  }

  /** The values of the text, some at a time, in order. */
  async *rows(): AsyncGenerator<Row[]> {
    const { signal, format, delimiter = ',' } = this.#options;
    const chunks = abortable(this.#origin.open(), signal);
    const lines = readLines(this.#counted(chunks));
    try {
      let known = format ?? formatOfName(this.#origin.name);
      let first: Line[] = [];
      while (!known) {
        const next = await lines.next();
        if (next.done) return;
        first = next.value;
        // Undefined while lines are blank: no format minds losing those.
        known = sniffFormat(first, delimiter);
      }
      yield* this.#read(before(first, lines), known);
    } finally {
      await lines.return(undefined);
    }
  }

  #read(lines: AsyncIterable<Line[]>, format: TextFormat): AsyncIterable<Row[]> {
    if (format === 'csv') return readCsv(lines, this.#options);
    return format === 'json' ? readJson(lines) : readJsonLines(lines);
  }

  async *#counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}

async function* before(first: Line[], rest: AsyncIterable<Line[]>): AsyncGenerator<Line[]> {
  if (first.length > 0) yield first;
  yield* rest;
}

/** Ends a wait for bytes that may never come. */
async function* abortable(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!signal) return yield* chunks;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  aborted.catch(() => {});
  signal.addEventListener('abort', stop);
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // Not awaited: a source that waits for bytes would answer only when they come.
    void iterator.return?.().catch(() => {});
  }
}
