import type { ErrorCode } from '../base/errors.js';
import type { GuestLimits } from './contract.js';
import { CONTROL, monotonicNow } from './messages.js';

/**
 * Why a call must end, once it must. The answer is sticky: an async function or
 * a `catch` of the guest may swallow one interruption, but never the verdict.
 */
export class CallBudget {
  readonly #id: number;
  readonly #limits: GuestLimits;
  readonly #deadline: number;
  readonly #control: Int32Array;
  #hostCalls = 0;
  #verdict: { code: ErrorCode; text: string } | undefined;

  constructor(call: { id: number; limits: GuestLimits; deadline: number }, control: Int32Array) {
    this.#id = call.id;
    this.#limits = call.limits;
    this.#deadline = call.deadline;
    this.#control = control;
  }

  get hostCalls(): number {
    return this.#hostCalls;
  }

  get verdict(): { readonly code: ErrorCode; readonly text: string } | undefined {
    return this.#verdict;
  }

  /** Milliseconds until the deadline, at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.#deadline - monotonicNow());
  }

  /** Whether the guest must end now. The engine asks this while it runs. */
  isSpent(): boolean {
    if (this.#verdict) return true;
    if (Atomics.load(this.#control, CONTROL.stop) === this.#id) {
      this.stop('GUEST_TIMEOUT', 'the call was aborted');
    } else if (monotonicNow() >= this.#deadline) {
      this.stop('GUEST_TIMEOUT', `the guest ran past ${this.#limits.timeoutMs} ms`);
    }
    return this.#verdict !== undefined;
  }

  /** The first verdict stands. */
  stop(code: ErrorCode, text: string): void {
    this.#verdict ??= { code, text };
  }

  /** Counts a host call; false when there may be no more. */
  takeHostCall(): boolean {
    if (this.#hostCalls < this.#limits.hostCalls) {
      this.#hostCalls++;
      return true;
    }
    this.stop('GUEST_HOST_CALLS', `the guest made more than ${this.#limits.hostCalls} host calls`);
    return false;
  }
}
