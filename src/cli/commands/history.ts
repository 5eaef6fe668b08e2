import type { Command } from 'commander';
import type { HistoryEntry } from '../../documents/contract.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import type { Column } from '../table.js';
import { NotFound } from '../usage-error.js';

const COLUMNS: readonly Column<HistoryEntry>[] = [
  { title: 'rev', cell: ({ rev }) => String(rev), right: true },
  { title: 'at', cell: ({ at }) => at },
  { title: 'commit', cell: ({ seq }) => String(seq), right: true },
];

export function addHistory(program: Command, invocation: Invocation): void {
  program
    .command('history')
    .description('list the kept revisions of a document, oldest first')
    .argument('<id>', 'its _id')
    .addHelpText(
      'after',
      examples(
        ['jdbx history prompt:greeting', 'when it changed'],
        ['jdbx history prompt:greeting | jq .document.template', 'how it changed'],
      ),
    )
    .action((id: string) =>
      invocation.withStore(async (db) => {
        const entries = await db.history(id);
        if (entries.length > 0) return void (await invocation.output.list(entries, () => COLUMNS));
        const document = await db.get(id);
        if (!document) throw new NotFound(`there is no ${id}`);
        invocation.output.note(`no revisions of type ${document._type} are kept`);
      }),
    );
}
