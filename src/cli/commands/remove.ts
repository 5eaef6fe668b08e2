import type { Command } from 'commander';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { readTarget } from '../read-target.js';

export function addRemove(program: Command, invocation: Invocation): void {
  program
    .command('remove')
    .description('remove documents; exit code 1 when none matches')
    .argument('<target>', 'an _id, or a filter as JSON')
    .option('--many', 'every document that the filter finds, not just the first')
    .addHelpText(
      'after',
      examples(
        ['jdbx remove note:1', 'one document'],
        [`jdbx remove '{"_type": "note", "old": true}' --many`, 'all that match'],
      ),
    )
    .action((target: string, { many }: { many?: boolean }) =>
      invocation.withStore(async (db) => {
        const result = await db.remove(readTarget(target), { many });
        if (result.removed === 0) invocation.exitCode = EXIT.failed;
        await invocation.output.value(result, () => `${result.removed} removed`);
      }),
    );
}
