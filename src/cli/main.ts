#!/usr/bin/env node
import { EXIT, exitCodeOf } from './exit-codes.js';
import { createProgram } from './program.js';
import { reportError } from './report-error.js';

/** Runs one command line and gives the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  // The error arrives at the writer too, by its callback; without a listener it would be thrown.
  process.stdout.on('error', () => {});
  const { program, invocation } = createProgram();
  try {
    await program.parseAsync(argv);
    return invocation.exitCode;
  } catch (error) {
    // Whoever read the output has seen enough, as `head` does.
    if ((error as { code?: unknown } | null)?.code === 'EPIPE') return EXIT.ok;
    reportError(error, invocation.options.json === true);
    return exitCodeOf(error);
  }
}

process.exitCode = await main(process.argv);
