import type { Value } from '../base/values.js';

/**
 * Functions that run in the guest's own thread instead of the caller's, so that calling one
 * takes no message. The sandbox knows nothing of what they do: a module that the caller names
 * makes them, out of data that can be copied from thread to thread.
 */
export interface NearModule {
  /** Opened once in each worker, when a call first has use for it; inside the gate. */
  openNear(data: unknown, gate: NearGate): Promise<NearHost>;
}

/** Inside of it, the thread is not ended: for calls that could not bear that. They must be short. */
export interface NearGate {
  enter(): void;
  leave(): void;
}

/** Where such a module is, what it opens, and the names of the functions that it may answer. */
export interface NearSource {
  /** A URL. */
  readonly module: string;
  /** Can be copied. */
  readonly data: unknown;
  readonly names: readonly string[];
}

/** What a worker has of it. */
export interface NearHost {
  /** Takes in what all calls share; the newest that was sent. */
  learn(shared: unknown): void;
  /** Before a call: what can be answered here for it, or why nothing can. */
  begin(own: unknown, ask: Ask): NearCall | NearMiss;
  /** No call is about to come: lets go of what is held between two of them. */
  rest(): void;
  /** Lets go of all. A worker that ends need not ask for it. */
  close(): Promise<void>;
}

/** Asks the caller's thread, and waits for the answer. @throws when the call is over */
export type Ask = (question: Value) => Value;

/** Why a call goes the long way: a word that is counted. */
export type NearMiss = string;

/** One call of a guest. */
export interface NearCall {
  /** The answer, or undefined where the caller's thread has to give it: it has the reason too. */
  answer(name: string, args: readonly Value[]): { readonly value: unknown } | undefined;
  /** What the caller's thread did for the call meanwhile. */
  hear(news: unknown): void;
  end(): void;
}

/** The caller's end of one call. */
export interface NearRequest {
  /**
   * What the call needs to know, asked just before a worker takes it: what all calls share, by
   * number, and what is its own. Undefined when nothing can be done near it after all.
   */
  order(): NearOrder | undefined;
  ask(question: Value): Value;
  /** What was done for the call here since it was ordered, or since the last news; undefined when nothing was. */
  news(): unknown;
}

export interface NearOrder {
  readonly shared: { readonly number: number; readonly facts: unknown };
  readonly own: unknown;
}

/** How many host calls of near kinds were answered where, and why not near. */
export interface NearCounts {
  readonly near: number;
  /** By reason. */
  readonly far: Readonly<Record<string, number>>;
}

/** Adds up what calls report. */
export class NearTally implements NearCounts {
  near = 0;
  readonly far: Record<string, number> = {};

  add({ near, far }: NearCounts): void {
    this.near += near;
    for (const [reason, count] of Object.entries(far)) this.miss(reason, count);
  }

  miss(reason: string, count = 1): void {
    this.far[reason] = (this.far[reason] ?? 0) + count;
  }

  get isEmpty(): boolean {
    return this.near === 0 && Object.keys(this.far).length === 0;
  }
}
