import type { Command } from 'commander';
import type { Jdbx } from '../../jdbx.js';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { showStanding } from '../standing.js';
import { NotFound } from '../usage-error.js';

/** `pause` and `cancel`: a run that no process is at work on is stopped where it stands. */
export function addSteer(program: Command, invocation: Invocation): void {
  add(program, invocation, 'pause', 'stop a run until `jdbx resume RUN`', (db, run) =>
    db.pause(run),
  );
  add(program, invocation, 'cancel', 'end a run that has not ended', async (db, run) => {
    if (await db.cancel(run)) return;
    if (!(await db.runOf(run))) throw new NotFound(`there is no ${run}`);
    invocation.exitCode = EXIT.failed;
    invocation.output.note(`${run} has ended before`);
  });
}

function add(
  program: Command,
  invocation: Invocation,
  name: string,
  description: string,
  work: (db: Jdbx, run: string) => Promise<void>,
): void {
  program
    .command(name)
    .description(description)
    .argument('<run>', 'the run')
    .addHelpText('after', examples([`jdbx ${name} run:order-7`, description]))
    .action((run: string) =>
      invocation.withStore(async (db) => {
        await work(db, run);
        await showStanding(db, invocation, run);
      }),
    );
}
