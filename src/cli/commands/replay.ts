import type { Command } from 'commander';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';

export function addReplay(program: Command, invocation: Invocation): void {
  program
    .command('replay')
    .description('go through a run again from its records, calling nothing, and compare')
    .argument('<run>', 'the run')
    .addHelpText(
      'after',
      examples(['jdbx replay run:a', 'where it would go another way; exit code 1 then']),
    )
    .action((run: string) =>
      invocation.withStore(async (db) => {
        const report = await db.replay(run);
        const { same, compared, taken, difference } = report;
        const text = same
          ? `the same: ${compared} stages compared, ${taken} taken from the record`
          : `differs at ${difference?.path || 'the output'} in its ${difference?.what}:\n` +
            `  recorded ${JSON.stringify(difference?.recorded)}\n  replayed ${JSON.stringify(difference?.replayed)}`;
        await invocation.output.value(report, () => text);
        if (!same) invocation.exitCode = EXIT.failed;
      }),
    );
}
