import type { Command } from 'commander';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readCount, readPoint } from '../read-text.js';
import { NotFound, UsageError } from '../usage-error.js';

interface GetOptions {
  readonly rev?: number;
  readonly asOf?: number | Date;
}

export function addGet(program: Command, invocation: Invocation): void {
  program
    .command('get')
    .description('print one document')
    .argument('<id>', 'its _id')
    .option('--rev <n>', 'an earlier revision, where they are kept', readCount)
    .option(
      '--as-of <point>',
      'as it was after a commit (number) or at a time (ISO 8601)',
      readPoint,
    )
    .addHelpText(
      'after',
      examples(
        ['jdbx get prompt:greeting', 'as it is now'],
        ['jdbx get prompt:greeting --rev 2', 'as it was'],
        ['jdbx get prompt:greeting --as-of 2026-01-31', 'as it was then'],
      ),
    )
    .action((id: string, { rev, asOf }: GetOptions) => {
      if (rev !== undefined && asOf !== undefined)
        throw new UsageError('expected --rev or --as-of');
      return invocation.withStore(async (db) => {
        const read = asOf === undefined ? db : db.asOf(asOf);
        const document = rev === undefined ? await read.get(id) : await db.revision(id, rev);
        const what = rev === undefined ? id : `revision ${rev} of ${id}`;
        const then = asOf === undefined ? 'is' : 'was';
        if (!document) throw new NotFound(`there ${then} no ${what}`);
        await invocation.output.value(document);
      });
    });
}
