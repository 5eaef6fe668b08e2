/** An entry's object, its places in tables and columns, the document's own head. */
const ENTRY_BYTES = 600;
/** Of a small document, values of few bytes each make most; a long text takes no more than it is. */
const SMALL_BYTES = 1_000;

/**
 * About what a decoded document and its entry take in memory, by its encoded size. Model calls of
 * 190 stored bytes took 1,000 each, a million of them in a cache, all included.
 */
export function decodedSize(bytes: number): number {
  return ENTRY_BYTES + bytes + Math.min(bytes, SMALL_BYTES);
}
