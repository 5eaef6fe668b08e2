import type { Command } from 'commander';
import type { Jdbx } from '../../jdbx.js';
import type { RunDocument } from '../../pipelines/run-document.js';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { showStages } from '../progress.js';
import { runColumns } from '../run-columns.js';
import { stoppingRuns } from '../stop-runs.js';

export function addResume(program: Command, invocation: Invocation): void {
  program
    .command('resume')
    .description('go on with every run that was left unfinished, and wait for them')
    .argument('[run]', 'only with this one, such as one that was paused')
    .addHelpText(
      'after',
      examples(
        ['jdbx resume', 'after a crash, or after Ctrl-C in a run'],
        ['jdbx resume run:order-7', 'after `jdbx pause run:order-7`'],
      ),
    )
    .action((run: string | undefined) =>
      invocation.withStore((db) =>
        run === undefined ? resumeRuns(db, invocation) : resumeOne(db, invocation, run),
      ),
    );
}

async function resumeOne(db: Jdbx, invocation: Invocation, run: string): Promise<void> {
  showStages(db, invocation.output);
  const told = () => `stopped; \`jdbx resume ${run}\` goes on with it`;
  const result = await stoppingRuns(db, told, () => db.resume(run));
  await invocation.output.value(result, () => JSON.stringify(result.output, undefined, 2));
}

async function resumeRuns(db: Jdbx, invocation: Invocation): Promise<void> {
  const { output } = invocation;
  showStages(db, output);
  const told = () => 'stopped; `jdbx resume` goes on with what is left';
  const ids = await stoppingRuns(db, told, async (signal) => {
    const resumed = await db.resume();
    await db.settled();
    signal.throwIfAborted();
    return resumed;
  });
  const runs = (await db.getMany<RunDocument>(ids)).filter((run) => run !== undefined);
  await output.list(runs, () => runColumns);
  if (runs.some(({ status }) => !['completed', 'waiting', 'paused'].includes(status)))
    invocation.exitCode = EXIT.failed;
}
