/**
 * Reads a shared index, again and again, while the main thread writes to it; see
 * native-threads.test.ts for the history and the cells of `shared`.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { attachIndex } from '#jdbx/indexes/native.js';
import { CELLS, DOCUMENTS, keyAt } from './moving-documents.mjs';

const { handle, shared, reader } = workerData;
const cells = new Int32Array(shared);
const index = attachIndex(handle);

/** Names a snapshot that the writer will not release: pin it, then look whether it was too late. */
function pin() {
  for (;;) {
    const seq = Atomics.load(cells, CELLS.published);
    Atomics.store(cells, CELLS.pins + reader, seq);
    if (seq >= Atomics.load(cells, CELLS.horizon)) return seq;
  }
}

function readAll(seq, reverse, size) {
  const batch = { refs: new Uint32Array(size), keys: [] };
  const cursor = index.scan({ reverse }, seq);
  const seen = new Set();
  let before;
  for (let count = cursor.next(batch); count > 0; count = cursor.next(batch)) {
    for (let at = 0; at < count; at++) {
      const key = batch.keys[at];
      const ref = batch.refs[at];
      if (Buffer.compare(key, keyAt(ref, seq)) !== 0) throw new Error(`ref ${ref} has a wrong key`);
      const order = before ? Buffer.compare(before, key) : reverse ? 1 : -1;
      if (reverse ? order <= 0 : order >= 0) throw new Error(`ref ${ref} is out of order`);
      before = key;
      seen.add(ref);
    }
  }
  if (seen.size !== DOCUMENTS) throw new Error(`expected ${DOCUMENTS} documents, got ${seen.size}`);
}

for (let round = 0; Atomics.load(cells, CELLS.finished) === 0; round++) {
  const seq = pin();
  const count = index.count({}, seq);
  if (count !== DOCUMENTS) throw new Error(`expected a count of ${DOCUMENTS}, got ${count}`);
  readAll(seq, round % 2 === 1, 1 + ((round * 37) % 600));
  Atomics.store(cells, CELLS.pins + reader, 0);
  Atomics.add(cells, CELLS.rounds + reader, 1);
}
index.close();
parentPort.postMessage('read');
