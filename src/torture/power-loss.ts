import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { compileShim, readEvents, rebuild, type ShimEvent, writesIn } from './disk-record.js';

/** How often the power goes before the process does. */
const EARLY_PART = 0.7;

/** Where a store lies. */
interface Place {
  readonly directory: string;
}

/**
 * Losses of power: a library that is preloaded into a process writes down what that writes and
 * flushes, and the files of its stores are rebuilt as a disk may have them that lost its power.
 */
export class PowerLoss {
  readonly #root: string;
  readonly #library: string;

  /** @throws {TypeError} where that cannot be done */
  constructor(root: string) {
    this.#root = root;
    this.#library = compileShim(root);
  }

  record(number: number): Recording {
    return new Recording(this.#root, this.#library, number);
  }
}

export interface Losses<P> {
  /** Writes that were dropped or torn. */
  readonly lost: number;
  /** Where the power went before the process: what that was told since is not there. */
  readonly early: readonly P[];
}

/** What one process writes and flushes. */
export class Recording {
  readonly env: NodeJS.ProcessEnv;
  readonly #log: string;
  readonly #bases: string;
  #begun: readonly Place[] = [];

  constructor(root: string, library: string, number: number) {
    this.#log = join(root, `events-${number}`);
    this.#bases = join(root, `bases-${number}`);
    this.env = {
      LD_PRELOAD: library,
      JDBX_SHIM_DIR: `${root}/life-`,
      JDBX_SHIM_ACK: join(root, 'nothing'),
      JDBX_SHIM_LOG: this.#log,
    };
  }

  /** The process is about to open these stores. */
  begin(places: readonly Place[]): void {
    mkdirSync(this.#bases);
    places.forEach(({ directory }, at) => {
      cpSync(join(directory, 'store'), join(this.#bases, String(at)), { recursive: true });
    });
    this.#begun = places;
  }

  /**
   * Rebuilds the stores in these places as they are when the power goes together with the
   * process, or, more often, went before it, just when something was to be flushed.
   */
  lose<P extends Place>(places: readonly P[], random: () => number): Losses<P> {
    const events = existsSync(this.#log) ? readEvents(readFileSync(this.#log)) : [];
    const count = { dropped: 0, torn: 0 };
    const early: P[] = [];
    for (const place of places) {
      const { directory } = place;
      const own = events.filter(({ fields }) =>
        fields.some((field) => field.startsWith(`${directory}/`)),
      );
      const isEarly = random() < EARLY_PART;
      if (isEarly) early.push(place);
      const files = writesIn(isEarly ? own.slice(0, unsafeMoment(own, random)) : own);
      const store = join(directory, 'store');
      const base = this.#begun.findIndex((each) => each.directory === directory);
      rmSync(store, { recursive: true });
      cpSync(join(this.#bases, String(base)), store, { recursive: true });
      for (const [path, writes] of files) {
        const name = relative(store, path);
        if (!name.startsWith('..')) rebuild(join(store, name), writes, random, count);
      }
      // Memory that processes share does not outlive the machine.
      for (const name of readdirSync(store)) if (name.endsWith('-lock')) rmSync(join(store, name));
    }
    rmSync(this.#bases, { recursive: true, force: true });
    rmSync(this.#log, { force: true });
    return { lost: count.dropped + count.torn, early };
  }
}

/** Just before a flush: there is something then that may be lost. */
function unsafeMoment(events: readonly ShimEvent[], random: () => number): number {
  const flushes = events.flatMap(({ kind }, at) => (kind === 'B' ? [at] : []));
  return flushes[Math.floor(random() * flushes.length)] ?? events.length;
}
