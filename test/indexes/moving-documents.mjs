/**
 * A history whose every snapshot can be told from its seq: commits insert the
 * documents one by one, then move them in turn, each to its next key.
 */
export const DOCUMENTS = 2_000;

/** Cells of the shared Int32Array. */
export const CELLS = { published: 0, horizon: 1, finished: 2, pins: 4, rounds: 16, length: 32 };

/** Which document a commit writes. */
export function documentAt(seq) {
  return ((seq - 1) % DOCUMENTS) + 1;
}

/** The key of a document at a snapshot; before its insert there is none. */
export function keyAt(document, seq) {
  const version = Math.floor((seq - document) / DOCUMENTS);
  if (version < 0) return undefined;
  const key = Buffer.alloc(12);
  key.writeUInt32BE(Math.imul(document * 31 + version, 2_654_435_761) >>> 0, 0);
  key.writeUInt32BE(version, 4);
  key.writeUInt32BE(document, 8);
  return key;
}
