import type { Command } from 'commander';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readCount } from '../read-text.js';
import { NotFound } from '../usage-error.js';

export function addGet(program: Command, invocation: Invocation): void {
  program
    .command('get')
    .description('print one document')
    .argument('<id>', 'its _id')
    .option('--rev <n>', 'an earlier revision, where they are kept', readCount)
    .addHelpText(
      'after',
      examples(
        ['jdbx get prompt:greeting', 'as it is now'],
        ['jdbx get prompt:greeting --rev 2', 'as it was'],
      ),
    )
    .action((id: string, { rev }: { rev?: number }) =>
      invocation.withStore(async (db) => {
        const document = rev === undefined ? await db.get(id) : await db.revision(id, rev);
        const what = rev === undefined ? id : `revision ${rev} of ${id}`;
        if (!document) throw new NotFound(`there is no ${what}`);
        await invocation.output.value(document);
      }),
    );
}
