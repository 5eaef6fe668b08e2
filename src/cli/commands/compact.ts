import type { Command } from 'commander';
import { examples } from '../examples.js';
import { showBytes } from '../figures.js';
import type { Invocation } from '../invocation.js';

const NOTE = `

Refused while anybody has the store open. The process that has it open alone may call db.compact().`;

export function addCompact(program: Command, invocation: Invocation): void {
  program
    .command('compact')
    .description('give the space that the store no longer uses back to the file system')
    .addHelpText('after', examples(['jdbx compact', 'says how much that was']) + NOTE)
    .action(async () => {
      const { compactStore } = await import('../../storage/compact.js');
      const result = await compactStore(invocation.options.store);
      const { before, after } = result;
      await invocation.output.value(result, () => `${showBytes(before)} → ${showBytes(after)}`);
    });
}
