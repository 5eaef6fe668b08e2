import { type Command, InvalidArgumentError } from 'commander';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { writtenColumns } from '../written-columns.js';

export function addRestore(program: Command, invocation: Invocation): void {
  program
    .command('restore')
    .description('write an old revision of a document as a new one')
    .argument('<id>', 'its _id')
    .argument('<rev>', 'the revision, as `history` lists it', readRevision)
    .addHelpText('after', examples(['jdbx restore prompt:greeting 2', 'back to revision 2']))
    .action((id: string, rev: number) =>
      invocation.withStore(async (db) => {
        const { _id, _type, _rev } = await db.restore(id, rev);
        await invocation.output.list([{ _id, _type, _rev }], () => writtenColumns);
      }),
    );
}

function readRevision(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a revision: 1, 2, 3 …');
}
