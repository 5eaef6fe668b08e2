import type { Command } from 'commander';
import type { Jdbx } from '../jdbx.js';
import type { OpenOptions } from '../open-options.js';
import { Output } from './output.js';
import { readSealKey } from './seal-key.js';

export interface GlobalOptions {
  readonly store: string;
  /** Undefined: JSON unless the output is a terminal. */
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** One run of the program: its global options, its output, and how it ends. */
export class Invocation {
  /** Set by a command whose work was done and whose answer is no. */
  exitCode = 0;
  readonly #program: Command;
  #output: Output | undefined;

  constructor(program: Command) {
    this.#program = program;
  }

  get options(): GlobalOptions {
    return this.#program.opts<GlobalOptions>();
  }

  get output(): Output {
    this.#output ??= new Output(this.options);
    return this.#output;
  }

  /** Opens a store that exists, hands it to `work`, and closes it however that ends. */
  withStore(work: (db: Jdbx) => Promise<void>): Promise<void> {
    return this.#within({ create: false }, work);
  }

  /** The same, but makes the store where there is none. */
  withNewStore(work: (db: Jdbx) => Promise<void>): Promise<void> {
    return this.#within({ create: true }, work);
  }

  async #within(options: OpenOptions, work: (db: Jdbx) => Promise<void>): Promise<void> {
    // Loaded when it is needed: help and misuse answer faster without it.
    const { open } = await import('../open.js');
    // A command does what it was asked for; only `resume` goes on with what others left.
    const sealKey = readSealKey();
    const db = await open(this.options.store, {
      ...options,
      sealKey,
      resume: false,
      retentionIntervalMs: 0,
    });
    try {
      await work(db);
    } finally {
      await db.close();
    }
  }
}
