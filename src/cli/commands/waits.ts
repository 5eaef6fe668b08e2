import { type Command, Option } from 'commander';
import type { WaitDocument } from '../../pipelines/waits/wait-document.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readCount } from '../read-text.js';
import type { Column } from '../table.js';

const COLUMNS: readonly Column<WaitDocument>[] = [
  { title: 'run', cell: ({ run }) => run },
  { title: 'stage', cell: ({ path }) => path },
  { title: 'for', cell: ({ kind, name }) => (name === undefined ? kind : `${kind} ${name}`) },
  { title: 'since', cell: ({ opened_at }) => opened_at },
  { title: 'until', cell: ({ due_at, expires_at }) => due_at ?? expires_at ?? '' },
  {
    title: 'question',
    cell: ({ question }) => (question === undefined ? '' : JSON.stringify(question)),
  },
];

interface WaitsOptions {
  readonly run?: string;
  readonly kind?: string;
  readonly limit: number;
}

export function addWaits(program: Command, invocation: Invocation): void {
  program
    .command('waits')
    .description('list what runs wait for, the oldest first')
    .addOption(
      new Option('--kind <kind>', 'only these').choices(['answer', 'signal', 'event', 'time']),
    )
    .option('--run <id>', 'only of this run')
    .option('--limit <n>', 'how many at most; 0: all', readCount, 20)
    .addHelpText(
      'after',
      examples(
        ['jdbx waits --kind answer', 'who is to be asked what'],
        ['jdbx waits --run run:a | jq -r .path', 'the stages at which a run waits'],
      ),
    )
    .action(({ run, kind, limit }: WaitsOptions) =>
      invocation.withStore(async (db) => {
        const filter = {
          ...(run === undefined ? {} : { run }),
          ...(kind === undefined ? {} : { kind }),
        };
        const waits = db.waits(filter).sort({ opened_at: 1, _id: 1 }).limit(limit);
        await invocation.output.list(waits, () => COLUMNS);
      }),
    );
}
