import type { Command } from 'commander';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';

export function addUndo(program: Command, invocation: Invocation): void {
  program
    .command('undo')
    .description('put the documents back that a run wrote, where nobody changed them since')
    .argument('<run>', 'the run')
    .argument('[stage]', 'only what this stage and those within it wrote')
    .addHelpText(
      'after',
      examples(
        ['jdbx undo run:a', 'all that it wrote; exit code 1 when something newer stands'],
        ['jdbx undo run:a import/2', 'what one stage wrote'],
      ),
    )
    .action((run: string, stage: string | undefined) =>
      invocation.withStore(async (db) => {
        const report = await db.undo(run, stage);
        const kept = report.kept.map(
          ({ id, reason, seq }) => `kept ${id}: ${reason}${seq ? ` (commit ${seq})` : ''}`,
        );
        const lines = [...report.undone.map((id) => `undone ${id}`), ...kept];
        await invocation.output.value(report, () => lines.join('\n'));
        if (report.kept.length > 0) invocation.exitCode = EXIT.failed;
      }),
    );
}
