/**
 * The page that every opener of a store maps: who is here, and how far they are. It lies in
 * `jdbx.shared`, little endian on every system that the native part is built for. It is a
 * hint between living processes; nothing is recovered from it, and the first opener wipes it.
 *
 *   0  u32  commits   counts publications: whoever sees another number has something to read
 *   4  u32  taken     counts how often LMDB took commits in
 *   8  u32  holder    the place, from 1 on, of who had the write lock last
 *  12  u32  broken    1 after a failed flush: nobody may write until all have closed
 *  16  f64  seq       the newest commit that is durable
 *  24  u32  places    how many places were ever taken; those behind are free
 *
 *  4096 + 32 × place, for each opener:
 *   0  u32  pid       as the process knows itself; 0: free
 *   4  u32  kind      1 reads and writes, 2 only reads
 *   8  u32  waiting   1 while it waits for the write lock
 *  16  f64  seq       the newest commit that it has seen; the log keeps what follows
 */
export const PAGE_BYTES = 8_192;
export const PLACES = 128;

const SLOTS_AT = 4_096;
const SLOT_BYTES = 32;
const WORD = { commits: 0, taken: 1, holder: 2, broken: 3, places: 6 } as const;
/** Within a place; `seq` counts in numbers of 8 bytes. */
const SLOT = { pid: 0, kind: 1, waiting: 2, seq: 2 } as const;

export type Kind = 'opener' | 'follower';
const KINDS: readonly (Kind | undefined)[] = [undefined, 'opener', 'follower'];

export class SharedPage {
  readonly buffer: ArrayBuffer;
  readonly #words: Uint32Array;
  readonly #numbers: Float64Array;

  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Uint32Array(buffer);
    this.#numbers = new Float64Array(buffer);
  }

  get commits(): number {
    return Atomics.load(this.#words, WORD.commits);
  }

  get taken(): number {
    return Atomics.load(this.#words, WORD.taken);
  }

  get holder(): number {
    return Atomics.load(this.#words, WORD.holder);
  }

  set holder(place: number) {
    Atomics.store(this.#words, WORD.holder, place);
  }

  get isBroken(): boolean {
    return Atomics.load(this.#words, WORD.broken) === 1;
  }

  /** The newest commit that is durable. */
  get seq(): number {
    return this.#numbers[2] as number;
  }

  /** The number first, then the count that tells of it. */
  publish(seq: number): void {
    this.#numbers[2] = seq;
    Atomics.add(this.#words, WORD.commits, 1);
  }

  /** How many places there are to look at. */
  get places(): number {
    return Atomics.load(this.#words, WORD.places);
  }

  announceTaken(): void {
    Atomics.add(this.#words, WORD.taken, 1);
  }

  break(): void {
    Atomics.store(this.#words, WORD.broken, 1);
  }

  /** Forgets everything that an earlier generation of openers left. */
  wipe(): void {
    this.#words.fill(0);
  }

  /** Where the mark of a waiting opener stands, in bytes. */
  static waitingAt(place: number): number {
    return SLOTS_AT + place * SLOT_BYTES + SLOT.waiting * 4;
  }

  pidAt(place: number): number {
    return Atomics.load(this.#words, wordOf(place) + SLOT.pid);
  }

  kindAt(place: number): Kind | undefined {
    return KINDS[Atomics.load(this.#words, wordOf(place) + SLOT.kind)];
  }

  seqAt(place: number): number {
    return this.#numbers[numberOf(place) + SLOT.seq] as number;
  }

  setSeqAt(place: number, seq: number): void {
    this.#numbers[numberOf(place) + SLOT.seq] = seq;
  }

  isWaitingAt(place: number): boolean {
    return Atomics.load(this.#words, wordOf(place) + SLOT.waiting) === 1;
  }

  setWaitingAt(place: number, waiting: boolean): void {
    Atomics.store(this.#words, wordOf(place) + SLOT.waiting, waiting ? 1 : 0);
  }

  /** Under the door's lock. The pid last: a place with one is whole. */
  enter(place: number, pid: number, kind: Kind): void {
    this.clear(place);
    if (place >= this.places) Atomics.store(this.#words, WORD.places, place + 1);
    Atomics.store(this.#words, wordOf(place) + SLOT.kind, KINDS.indexOf(kind));
    Atomics.store(this.#words, wordOf(place) + SLOT.pid, pid);
  }

  clear(place: number): void {
    Atomics.store(this.#words, wordOf(place) + SLOT.pid, 0);
    Atomics.store(this.#words, wordOf(place) + SLOT.kind, 0);
    this.setWaitingAt(place, false);
    this.setSeqAt(place, 0);
  }
}

function wordOf(place: number): number {
  return (SLOTS_AT + place * SLOT_BYTES) / 4;
}

function numberOf(place: number): number {
  return (SLOTS_AT + place * SLOT_BYTES) / 8;
}
