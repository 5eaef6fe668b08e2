/**
 * What the native index does beyond the contract: one list read by worker
 * threads while this one writes, and memory that ends. The C tests do the same
 * under ThreadSanitizer; here it goes through the binary and real workers.
 */
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import type { IndexChange, OrderedIndex } from '#jdbx/indexes/contract.js';
import {
  attachIndex,
  createBoundedIndex,
  createNativeIndex,
  nativeMissing,
  shareIndex,
} from '#jdbx/indexes/native.js';
import { CELLS, DOCUMENTS, documentAt, keyAt } from './moving-documents.mjs';

const READERS = 4;
const ROUNDS_EACH = 10;
const COMMITS_MAX = 400_000;

function move(seq: number): IndexChange[] {
  const ref = documentAt(seq);
  const from = keyAt(ref, seq - DOCUMENTS);
  const to = keyAt(ref, seq) as Uint8Array;
  const insert: IndexChange = { kind: 'insert', key: to, ref };
  return from ? [{ kind: 'remove', key: from, ref }, insert] : [insert];
}

/** The writer names its horizon before it looks at the pins, the readers the other way round. */
function release(index: OrderedIndex, cells: Int32Array, seq: number): void {
  Atomics.store(cells, CELLS.horizon, seq);
  const pins = Array.from({ length: READERS }, (_, at) => Atomics.load(cells, CELLS.pins + at));
  index.release(Math.min(seq, ...pins.filter((pin) => pin > 0)));
}

function readersDone(cells: Int32Array): boolean {
  return Array.from({ length: READERS }, (_, at) => Atomics.load(cells, CELLS.rounds + at)).every(
    (rounds) => rounds >= ROUNDS_EACH,
  );
}

function startReader(handle: number, shared: SharedArrayBuffer, reader: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const url = new URL('reading-worker.mjs', import.meta.url);
    const worker = new Worker(url, { workerData: { handle, shared, reader } });
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))));
  });
}

describe.skipIf(!createNativeIndex)(
  `the native index${nativeMissing ? ' (not built)' : ''}`,
  () => {
    test('is read whole by four workers while this thread writes and releases', async () => {
      const index = createBoundedIndex(0);
      const shared = new SharedArrayBuffer(CELLS.length * 4);
      const cells = new Int32Array(shared);
      for (let seq = 1; seq <= DOCUMENTS; seq++) index.apply(move(seq), seq);
      Atomics.store(cells, CELLS.published, DOCUMENTS);
      const readers = Array.from({ length: READERS }, (_, at) =>
        startReader(shareIndex(index), shared, at),
      );
      const failure = Promise.all(readers).then(
        () => undefined,
        (error: unknown) => error,
      );
      let failed = false;
      void failure.then((error) => (failed = error !== undefined));
      for (let seq = DOCUMENTS + 1; seq <= COMMITS_MAX && !failed; seq++) {
        index.apply(move(seq), seq);
        Atomics.store(cells, CELLS.published, seq);
        if (seq % 100 === 0) release(index, cells, seq);
        if (seq % 1_000 !== 0) continue;
        // Lets workers start, and their errors arrive.
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (readersDone(cells)) break;
      }
      Atomics.store(cells, CELLS.finished, 1);
      expect(await failure).toBeUndefined();
      expect(readersDone(cells)).toBe(true);
      release(index, cells, Atomics.load(cells, CELLS.published));
      expect(index.stats()).toMatchObject({ entries: DOCUMENTS, live: DOCUMENTS });
      index.close();
    }, 60_000);

    test('outlives the thread that made it as long as another holds it', () => {
      const index = createBoundedIndex(0);
      index.apply([{ kind: 'insert', key: new Uint8Array([1]), ref: 7 }], 1);
      const handle = shareIndex(index);
      const other = attachIndex(handle);
      index.close();
      expect(other.count({}, 1)).toBe(1);
      other.close();
      expect(() => other.count({}, 1)).toThrow(/closed/);
      expect(() => attachIndex(handle)).toThrow(/handle/);
    });

    test('refuses a commit for lack of memory whole, and goes on when there is room again', () => {
      const index = createBoundedIndex(256 * 1024);
      const change = (n: number): IndexChange => ({
        kind: 'insert',
        key: new Uint8Array([n >> 16, n >> 8, n]),
        ref: n + 1,
      });
      let seq = 0;
      const fill = () => {
        for (;;) index.apply([change(seq), change(seq + 1_000_000)], ++seq);
      };
      expect(fill).toThrow(expect.objectContaining({ code: 'INDEX_FULL' }));
      const held = seq - 1;
      expect(held).toBeGreaterThan(500);
      expect(index.stats()).toMatchObject({ entries: held * 2, live: held * 2 });
      expect(index.count({}, seq)).toBe(held * 2);
      const gone = Array.from({ length: held / 2 }, (_, n) => change(n));
      index.apply(
        gone.map((each) => ({ ...each, kind: 'remove' })),
        seq,
      );
      index.release(seq);
      index.apply([change(seq + 5)], seq + 1);
      expect(index.count({}, seq + 1)).toBe(held * 2 - gone.length + 1);
    });

    test('reads keys longer than its buffers', () => {
      const index = createBoundedIndex(0);
      const long = (last: number) => new Uint8Array(300_000).fill(9).fill(last, 299_999);
      const changes = [1, 2, 3].map((n): IndexChange => ({ kind: 'insert', key: long(n), ref: n }));
      index.apply(changes, 1);
      for (const reverse of [false, true]) {
        const cursor = index.scan({ lower: long(1), reverse }, 1);
        const found: number[] = [];
        const batch = { refs: new Uint32Array(2), keys: [] as Uint8Array[] };
        for (let count = cursor.next(batch); count > 0; count = cursor.next(batch)) {
          for (let at = 0; at < count; at++) found.push(batch.keys[at]?.at(-1) as number);
        }
        expect(found).toEqual(reverse ? [3, 2, 1] : [1, 2, 3]);
      }
    });
  },
);
