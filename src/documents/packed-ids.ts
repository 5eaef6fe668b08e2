import { decodeKey } from '../base/key-bytes.js';
import type { DocumentRef, EntryRun } from '../indexes/contract.js';

/** More than the first keys say that all will take. */
const SPARE = 1.1;

/**
 * The ids of a million documents without a million strings: the keys of the index over
 * `(_type, _id)` in one piece, and for each ref where its key stands.
 */
export class PackedIds {
  #bytes = Buffer.alloc(0);
  #used = 0;
  readonly #entries: number;
  readonly #starts: Uint32Array;
  readonly #lengths: Uint32Array;

  /** @param entries how many there are, for one piece of memory instead of many that grow */
  constructor(runs: Iterable<EntryRun>, entries: number, nextRef: number) {
    this.#entries = entries;
    this.#starts = new Uint32Array(nextRef);
    this.#lengths = new Uint32Array(nextRef);
    for (const run of runs) this.#add(run);
  }

  idOf(ref: DocumentRef): string | undefined {
    const length = this.#lengths[ref];
    if (!length) return undefined;
    const start = this.#starts[ref] as number;
    return decodeId(this.#bytes.subarray(start, start + length));
  }

  forget(ref: DocumentRef): void {
    if (ref < this.#lengths.length) this.#lengths[ref] = 0;
  }

  #add({ count, refs, keys, lengths }: EntryRun): void {
    if (count > 0) this.#makeRoom(keys.length, keys.length / count);
    let end = this.#used;
    this.#bytes.set(keys, end);
    const starts = this.#starts;
    const kept = this.#lengths;
    for (let at = 0; at < count; at++) {
      const ref = refs[at] as number;
      const length = lengths[at] as number;
      starts[ref] = end;
      kept[ref] = length;
      end += length;
    }
    this.#used = end;
  }

  #makeRoom(bytes: number, each: number): void {
    if (this.#used + bytes <= this.#bytes.length) return;
    const guess = Math.ceil(this.#entries * each * SPARE);
    const room = Math.max(guess, this.#bytes.length * SPARE, this.#used + bytes);
    const wider = Buffer.allocUnsafe(Math.ceil(room));
    this.#bytes.copy(wider, 0, 0, this.#used);
    this.#bytes = wider;
  }
}

/** A key is a tag, the type, 0, a tag, the id, 0; the byte 1 stands before what was escaped. */
function decodeId(key: Buffer): string {
  if (key.includes(1)) return decodeKey(key)[1] as string;
  return key.toString('utf8', key.indexOf(0) + 2, key.length - 1);
}
