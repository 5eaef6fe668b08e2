import type { Command } from 'commander';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readArgument, readJson } from '../read-text.js';
import { showStanding } from '../standing.js';

export function addAnswer(program: Command, invocation: Invocation): void {
  program
    .command('answer')
    .description('answer a wait of a run, which then goes on')
    .argument('<run>', 'the run')
    .argument('<stage>', "the stage's path, or the wait's id")
    .argument('<json>', 'the answer: JSON, @file, or - for the standard input')
    .addHelpText(
      'after',
      examples([`jdbx answer run:order-7 approve '{"ok": true}'`, 'what its schema lets through']),
    )
    .action((run: string, stage: string, json: string) =>
      invocation.withStore(async (db) => {
        await db.answer(run, stage, readJson(await readArgument(json), 'the answer'));
        await showStanding(db, invocation, run);
      }),
    );
}
