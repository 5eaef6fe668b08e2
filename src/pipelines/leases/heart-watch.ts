import type { Heartbeat } from '../../storage/contract.js';

interface Seen {
  readonly beat: number;
  /** How long it has been the same, in milliseconds of this process's own clock. */
  readonly stillMs: number;
}

/**
 * Tells from heartbeats who is at work. No clocks are compared: a process counts as stopped
 * when its beat has stayed the same for `leaseMs` of the looker's own time.
 */
export class HeartWatch {
  readonly #leaseMs: number;
  #seen: ReadonlyMap<number, Seen> = new Map();

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /**
   * Those that are at work. `passedMs` is the time since the last look, as far as this process
   * was at work in it: while it was stopped itself it has seen nothing.
   */
  look(beats: readonly Heartbeat[], passedMs: number): Heartbeat[] {
    const seen = new Map<number, Seen>();
    for (const { place, beat } of beats) {
      const before = this.#seen.get(place);
      const isStill = before !== undefined && before.beat === beat;
      seen.set(place, { beat, stillMs: isStill ? before.stillMs + passedMs : 0 });
    }
    this.#seen = seen;
    return beats.filter(({ place }) => (seen.get(place)?.stillMs ?? 0) < this.#leaseMs);
  }
}
