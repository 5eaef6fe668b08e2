import type { Command } from 'commander';
import { examples } from '../examples.js';
import { showBytes } from '../figures.js';
import { interruptible } from '../interrupt.js';
import type { Invocation } from '../invocation.js';

export function addBackup(program: Command, invocation: Invocation): void {
  program
    .command('backup')
    .description('copy the store, as of one commit, into an empty or new directory')
    .argument('<dir>', 'where the copy goes; it is a store of its own')
    .addHelpText(
      'after',
      examples(
        ['jdbx backup /backups/today', 'whole, or not there'],
        ['jdbx -s /backups/today check', 'is it sound?'],
        ['jdbx -s /backups/today query {}', 'restoring it is opening it'],
      ),
    )
    .action((directory: string) =>
      invocation.withStore(async (db) => {
        const result = await interruptible(({ signal }) => db.backup(directory, { signal }));
        await invocation.output.value(
          result,
          () => `commit ${result.seq} in ${directory}, ${showBytes(result.bytes)}`,
        );
      }),
    );
}
