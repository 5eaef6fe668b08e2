import { LinkedSignal } from '../../base/linked-signal.js';
import type { Value } from '../../base/values.js';

type HostFunction = (...args: Value[]) => unknown;

/**
 * The calls to the outside that one guest has under way. Whatever ends the guest, a
 * deadline included, ends them too, and is not over before each is on record.
 */
export class OpenCalls {
  readonly #stage: AbortSignal;
  readonly #open = new Set<Promise<unknown>>();
  /** Made when it is asked for: most guests call nobody outside. */
  #linked: LinkedSignal | undefined;

  constructor(stage: AbortSignal) {
    this.#stage = stage;
  }

  /** Aborts when the stage does, or when the guest has ended. */
  get signal(): AbortSignal {
    this.#linked ??= new LinkedSignal().follow(this.#stage);
    return this.#linked.signal;
  }

  /** The same functions, whose calls end with the guest. */
  watch<T extends Readonly<Record<string, HostFunction>>>(functions: T): T {
    const watched = Object.entries(functions).map(([name, call]) => [name, this.#watched(call)]);
    return Object.fromEntries(watched);
  }

  async end(): Promise<void> {
    this.#linked?.abort(new Error('the guest that made the call has ended'));
    this.#linked?.release();
    if (this.#open.size > 0) await Promise.allSettled(this.#open);
  }

  #watched(call: HostFunction): HostFunction {
    return (...args) => {
      const made = Promise.resolve(call(...args));
      this.#open.add(made);
      const forget = () => void this.#open.delete(made);
      made.then(forget, forget);
      return made;
    };
  }
}
