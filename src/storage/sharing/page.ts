import type { Heartbeat } from '../contract.js';

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
 *  28  u32  exchanges counts how often LMDB's file was exchanged by a compact one
 *
 *  4096 + 64 × place, for each opener:
 *   0  u32  pid       as the process knows itself; 0: free
 *   4  u32  kind      1 reads and writes, 2 only reads
 *   8  u32  waiting   1 while it waits for the write lock
 *  12  u32  beat      raised again and again: who does not is stopped, or too busy to be counted on
 *  16  f64  seq       the newest commit that it has seen; the log keeps what follows
 *  24  f64  token     the number under which it executes; 0: it executes nothing
 *  32  u32  duties    1 when it takes up what others leave
 */
export const PAGE_BYTES = 12_288;
export const PLACES = 128;

const SLOTS_AT = 4_096;
const SLOT_BYTES = 64;
const WORD = { commits: 0, taken: 1, holder: 2, broken: 3, places: 6, exchanges: 7 } as const;
/** Within a place; `seq` and `token` count in numbers of 8 bytes. */
const SLOT = { pid: 0, kind: 1, waiting: 2, beat: 3, seq: 2, token: 3, duties: 8 } as const;

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

  /** Another number when the file that has the store's name is another one. */
  get exchanges(): number {
    return Atomics.load(this.#words, WORD.exchanges);
  }

  announceExchange(): void {
    Atomics.add(this.#words, WORD.exchanges, 1);
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

  /** Tells the others that a place's opener is at work, as what. */
  beatAt(place: number, token: number, hasDuties: boolean): void {
    this.#numbers[numberOf(place) + SLOT.token] = token;
    Atomics.store(this.#words, wordOf(place) + SLOT.duties, hasDuties ? 1 : 0);
    Atomics.add(this.#words, wordOf(place) + SLOT.beat, 1);
  }

  heartbeatAt(place: number): Omit<Heartbeat, 'place'> {
    return {
      beat: Atomics.load(this.#words, wordOf(place) + SLOT.beat),
      token: this.#numbers[numberOf(place) + SLOT.token] as number,
      hasDuties: Atomics.load(this.#words, wordOf(place) + SLOT.duties) === 1,
    };
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
    this.beatAt(place, 0, false);
  }
}

function wordOf(place: number): number {
  return (SLOTS_AT + place * SLOT_BYTES) / 4;
}

function numberOf(place: number): number {
  return (SLOTS_AT + place * SLOT_BYTES) / 8;
}
