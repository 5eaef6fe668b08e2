/**
 * Thrown where a run has nothing to do until something comes from outside. It is no
 * failure: stages around it let their other work go on, and the run ends its walk
 * without holding memory; it begins again from its checkpoints when it is woken.
 */
export class Suspended extends Error {
  /** The documents that it waits for: waits, or child runs. */
  readonly on: readonly string[];

  constructor(on: readonly string[]) {
    super(`waits for ${on.join(', ')}`);
    this.on = on;
  }

  static joined(all: readonly Suspended[]): Suspended {
    return new Suspended(all.flatMap(({ on }) => on));
  }
}
