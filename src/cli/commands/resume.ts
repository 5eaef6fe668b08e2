import type { Command } from 'commander';
import type { RunDocument } from '../../pipelines/run-document.js';
import type { Jdbx } from '../../runtime.js';
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
    .addHelpText('after', examples(['jdbx resume', 'after a crash, or after Ctrl-C in a run']))
    .action(() => invocation.withStore((db) => resumeRuns(db, invocation)));
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
  if (runs.some(({ status }) => status !== 'completed')) invocation.exitCode = EXIT.failed;
}
