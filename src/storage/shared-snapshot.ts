import type { EngineSnapshot } from './contract.js';

/** The engine's snapshot of one published commit, used by every view of it and closed after the last. */
export class SharedSnapshot {
  readonly engine: EngineSnapshot;
  #users = 1;

  /** The maker is the first user. */
  constructor(engine: EngineSnapshot) {
    this.engine = engine;
  }

  take(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users === 0) this.engine.close();
  }
}
