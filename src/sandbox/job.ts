import type { GuestCall, GuestResult } from './contract.js';
import type { CallOrder } from './messages.js';
import type { NumberedProgram } from './programs.js';

/** One call on its way: settles once, and forgets its abort signal when it does. */
export class Job {
  readonly call: GuestCall;
  readonly program: NumberedProgram;
  /** What host functions threw, by the number that the guest's error carries. */
  readonly hostErrors: unknown[] = [];
  readonly result: Promise<GuestResult>;
  /** Host functions begun for it: what cannot be undone, and so not be run again. */
  hostCalls = 0;
  #losses = 0;
  readonly #settlers: PromiseSettlers;
  readonly #onAbort: () => void;
  readonly #argumentsText: string;
  #settled = false;

  /** `onAbort` is called after the job has been rejected with the signal's reason. */
  constructor(
    call: GuestCall,
    program: NumberedProgram,
    argumentsText: string,
    onAbort: (job: Job) => void,
  ) {
    this.call = call;
    this.program = program;
    this.#argumentsText = argumentsText;
    let settlers: PromiseSettlers | undefined;
    this.result = new Promise((resolve, reject) => {
      settlers = { resolve, reject };
    });
    this.#settlers = settlers as unknown as PromiseSettlers;
    this.#onAbort = () => {
      this.reject(call.signal?.reason);
      onAbort(this);
    };
    call.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** As it crosses to a worker. @param near what its near functions need */
  order(near: unknown): CallOrder {
    const { now, seed, reuse = false } = this.call;
    const order = [this.program.number, this.#argumentsText, now, seed, reuse] as const;
    return near === undefined ? order : [...order, near];
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Its worker is gone. Whether it may run again: once, and if nothing outside saw it run. */
  mayRunAgain(): boolean {
    return !this.#settled && this.hostCalls === 0 && this.#losses++ === 0;
  }

  resolve(result: GuestResult): void {
    this.#settle();
    this.#settlers.resolve(result);
  }

  reject(reason: unknown): void {
    this.#settle();
    this.#settlers.reject(reason);
  }

  #settle(): void {
    this.#settled = true;
    this.call.signal?.removeEventListener('abort', this.#onAbort);
  }
}

interface PromiseSettlers {
  readonly resolve: (result: GuestResult) => void;
  readonly reject: (reason: unknown) => void;
}
