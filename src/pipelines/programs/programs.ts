import type { Sandbox } from '../../sandbox/contract.js';
import { type Seat, Seats } from './seats.js';

/**
 * Where programs run: a sandbox of their own, since one that waits for its stages holds a
 * thread, and a stage may need one too.
 */
export class Programs {
  readonly sandbox: Sandbox;
  readonly #seats: Seats;

  /** `seats` is the number of the sandbox's workers. */
  constructor(sandbox: Sandbox, seats: number) {
    this.sandbox = sandbox;
    this.#seats = new Seats(seats);
  }

  hold<T>(work: (seat: Seat) => Promise<T>): Promise<T> {
    return this.#seats.hold(work);
  }
}
