const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNALS;

/** A command that was ended by a signal, after everything was left in order. */
export class Interrupted extends Error {
  readonly code = 'INTERRUPTED';
  readonly exitCode: number;

  constructor(signal: Signal, text: string) {
    super(`INTERRUPTED: ${text}`);
    this.name = 'Interrupted';
    this.exitCode = SIGNALS[signal];
  }
}

export interface Interruptible {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** Which one came. */
  readonly came: Signal | undefined;
}

/**
 * Runs `work` with SIGINT and SIGTERM turned into an abort, so that it can end in order.
 * A second signal ends the process at once, as any signal does for every other command:
 * the store survives that too.
 */
export async function interruptible<T>(work: (state: Interruptible) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  let came: Signal | undefined;
  const take = (signal: Signal) => {
    if (came) process.exit(SIGNALS[signal]);
    came = signal;
    abort.abort(new Interrupted(signal, 'stopped'));
  };
  const signals = Object.keys(SIGNALS) as Signal[];
  for (const signal of signals) process.on(signal, take);
  try {
    return await work({
      signal: abort.signal,
      get came() {
        return came;
      },
    });
  } finally {
    for (const signal of signals) process.off(signal, take);
  }
}
