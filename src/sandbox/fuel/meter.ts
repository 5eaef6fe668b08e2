import { METER } from './meter-module.js';

/** A mutable global of a module. */
interface Cell {
  value: number;
}

/** How many turns of the engine's loops pass between two questions: some tenths of a millisecond. */
const FUEL_PORTION = 100_000;
/** How far below its stack pointer a function that calls no other may write. */
const RED_ZONE_BYTES = 128;

/** Thrown through the engine to a call that is over: the engine's stack is then unbalanced. */
export class FuelSpent extends Error {
  override readonly name = 'FuelSpent';
}

/** The host's hand on a metered instance (`meter-module.ts`). */
export class Meter {
  readonly #mayGoOn: () => boolean;
  #fuel: Cell = { value: 0 };
  #stack: Cell = { value: 0 };
  #stackLow: Cell = { value: 0 };
  #stackStart = 0;

  constructor(mayGoOn: () => boolean) {
    this.#mayGoOn = mayGoOn;
  }

  /** What a metered module imports besides. */
  get imports(): object {
    return { [METER.module]: { [METER.refuel]: () => this.#refuel() } };
  }

  /** Takes hold of the instance; false when its module is not metered. */
  attach(exports: Readonly<Record<string, unknown>>): boolean {
    const { [METER.fuel]: fuel, [METER.stack]: stack, [METER.stackLow]: stackLow } = exports;
    if (!fuel || !stack || !stackLow) return false;
    this.#fuel = fuel as Cell;
    this.#stack = stack as Cell;
    this.#stackLow = stackLow as Cell;
    this.#stackStart = this.#stack.value;
    return true;
  }

  /**
   * The lowest address that the stack's bytes may have reached since the last
   * `resetStack`.
   */
  get stackReach(): number {
    return Math.min(this.#stackLow.value >>> 0, this.#stackStart) - RED_ZONE_BYTES;
  }

  /** Makes the stack empty, whatever was left on it. */
  resetStack(): void {
    this.#stack.value = this.#stackStart;
    this.#stackLow.value = this.#stackStart;
  }

  /** Every call begins with the same, so that what it does before a question is the same too. */
  fill(): void {
    this.#fuel.value = FUEL_PORTION;
  }

  #refuel(): void {
    this.fill();
    if (!this.#mayGoOn()) throw new FuelSpent('the call is over');
  }
}
