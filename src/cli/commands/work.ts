import type { Command } from 'commander';
import { examples } from '../examples.js';
import { interruptible } from '../interrupt.js';
import type { Invocation } from '../invocation.js';
import { showStages } from '../progress.js';

export function addWork(program: Command, invocation: Invocation): void {
  program
    .command('work')
    .description('go on with runs, end waits in time and follow schedules, until interrupted')
    .addHelpText(
      'after',
      examples(['jdbx work', 'as a service; SIGTERM ends it after the commits on their way']),
    )
    .action(() =>
      invocation.withStore((db) =>
        interruptible(async ({ signal }) => {
          showStages(db, invocation.output);
          await db.resume();
          // Between two times there is nothing that would keep the process alive.
          const alive = setInterval(() => {}, 60_000);
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          clearInterval(alive);
        }),
      ),
    );
}
