import type { Command } from 'commander';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readArgument, readJson } from '../read-text.js';
import { showStanding } from '../standing.js';

export function addSignal(program: Command, invocation: Invocation): void {
  program
    .command('signal')
    .description('send a signal to a run, for a stage that waits for it or will')
    .argument('<run>', 'the run')
    .argument('<name>', "the signal's name")
    .argument('[json]', 'what goes with it: JSON, @file, or - for the standard input', 'null')
    .addHelpText(
      'after',
      examples(['jdbx signal run:order-7 paid', 'the stage that waits for it goes on']),
    )
    .action((run: string, name: string, json: string) =>
      invocation.withStore(async (db) => {
        await db.signal(run, name, readJson(await readArgument(json), 'the signal'));
        await showStanding(db, invocation, run);
      }),
    );
}
