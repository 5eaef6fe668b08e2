import type { Value } from '../base/values.js';
import type { CallBudget } from './call-budget.js';
import { encodeAnswer } from './guest-values.js';
import {
  type Ask,
  type NearCall,
  type NearCounts,
  type NearGate,
  type NearHost,
  type NearModule,
  type NearSource,
  NearTally,
} from './near.js';
import { decodeValue } from './values-crossing.js';

/** The worker's end of `near.ts`. The module is loaded while the first calls go the long way. */
export class NearSide {
  readonly #source: NearSource;
  readonly #names: ReadonlySet<string>;
  readonly #gate: NearGate;
  #host: NearHost | undefined;
  #shared: unknown;
  #state: 'closed' | 'opening' | 'open' | 'missing' = 'closed';

  constructor(source: NearSource, gate: NearGate) {
    this.#source = source;
    this.#gate = gate;
    this.#names = new Set(source.names);
  }

  /** Takes in what all calls from now on share. */
  learn(shared: unknown): void {
    this.#shared = shared;
    this.#host?.learn(shared);
  }

  begin(own: unknown, ask: Ask): NearGuest {
    if (this.#state === 'closed') this.#open();
    return new NearGuest(this.#names, this.#begin(own, ask));
  }

  #begin(own: unknown, ask: Ask): NearCall | string {
    if (!this.#host) return this.#state;
    try {
      return this.#host.begin(own, ask);
    } catch {
      return 'failed';
    }
  }

  rest(): void {
    this.#host?.rest();
  }

  /** Runs what may take its time: the module is not opened meanwhile, so nothing is in the gate. */
  aside<Result>(run: () => Result): Result {
    if (this.#state !== 'opening') return run();
    this.#gate.leave();
    try {
      return run();
    } finally {
      this.#gate.enter();
    }
  }

  /** What cannot be opened is not tried again: calls go the long way, as they would without. */
  async #open(): Promise<void> {
    this.#state = 'opening';
    this.#gate.enter();
    try {
      const { openNear } = (await import(this.#source.module)) as NearModule;
      const host = await openNear(this.#source.data, this.#gate);
      host.learn(this.#shared);
      this.#host = host;
      this.#state = 'open';
    } catch {
      this.#state = 'missing';
    }
    this.#gate.leave();
  }
}

/** The functions near one call, and the count of what they did. */
export class NearGuest {
  readonly #names: ReadonlySet<string>;
  readonly #begun: NearCall | string;
  readonly #tally = new NearTally();

  constructor(names: ReadonlySet<string>, begun: NearCall | string) {
    this.#names = names;
    this.#begun = begun;
  }

  /** Undefined when nothing of the kind was called. */
  get counts(): NearCounts | undefined {
    const { near, far, isEmpty } = this.#tally;
    return isEmpty ? undefined : { near, far };
  }

  /**
   * The answer's text; undefined when the caller's thread has to be asked. What fails here is
   * done again there, which then tells the guest.
   */
  call(name: string, argumentsText: string, budget: CallBudget): string | undefined {
    if (!this.#names.has(name) || budget.isSpent()) return undefined;
    if (typeof this.#begun === 'string') return this.#miss(this.#begun);
    try {
      const answer = this.#begun.answer(name, decodeValue(argumentsText) as readonly Value[]);
      if (!answer) return this.#miss('passed');
      const text = encodeAnswer(answer.value);
      this.#tally.near++;
      return text;
    } catch {
      return this.#miss('failed');
    }
  }

  hear(news: unknown): void {
    if (typeof this.#begun !== 'string') this.#begun.hear(news);
  }

  end(): void {
    if (typeof this.#begun !== 'string') this.#begun.end();
  }

  #miss(reason: string): undefined {
    this.#tally.miss(reason);
  }
}
