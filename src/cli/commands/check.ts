import type { Command } from 'commander';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';

export function addCheck(program: Command, invocation: Invocation): void {
  program
    .command('check')
    .description('check documents, history, log, indexes and audit trail against each other')
    .addHelpText('after', examples(['jdbx check && echo sound', 'exit code 1 when it is not']))
    .action(() =>
      invocation.withStore(async (db) => {
        const report = await db.check();
        if (!report.ok) invocation.exitCode = EXIT.failed;
        await invocation.output.value(report, () => {
          const { documents, revisions, indexes, indexEntries } = report;
          const { logRecords, auditDocuments, seq } = report;
          return [
            ...report.problems,
            `commit ${seq}: ${documents} documents, ${revisions} kept revisions, ` +
              `${indexes} indexes with ${indexEntries} entries, ` +
              `${logRecords} log records, ${auditDocuments} audit documents: ` +
              `${report.ok ? 'sound' : 'NOT sound'}`,
          ].join('\n');
        });
      }),
    );
}
