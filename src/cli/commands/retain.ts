import type { Command } from 'commander';
import type { RetainReport } from '../../documents/retention/contract.js';
import { examples } from '../examples.js';
import { interruptible } from '../interrupt.js';
import type { Invocation } from '../invocation.js';
import { StatusLine } from '../progress.js';

export function addRetain(program: Command, invocation: Invocation): void {
  program
    .command('retain')
    .description('do now what retention documents and expiring indexes ask for')
    .option('--dry-run', 'say what would go, and change nothing')
    .addHelpText(
      'after',
      examples(
        ['jdbx retain --dry-run', 'how much is due, by the document that asks for it'],
        ['jdbx retain', 'in small commits; stopping it loses nothing'],
      ),
    )
    .action(({ dryRun }: { dryRun?: boolean }) =>
      invocation.withStore(async (db) => {
        const line = new StatusLine(invocation.output);
        const report = await interruptible(({ signal }) => {
          const onProgress = (progress: RetainReport) => line.show(showCounts(progress));
          return db.retain({ dryRun, signal, onProgress });
        }).finally(() => line.end());
        await invocation.output.value(report, () => showReport(report, dryRun ?? false));
      }),
    );
}

function showReport(report: RetainReport, isDry: boolean): string {
  const policies = Object.entries(report.policies);
  const lines = policies.map(([id, counts]) => `${id}: ${showCounts(counts)}`);
  return [...lines, `${isDry ? 'due' : 'gone'}: ${showCounts(report)}`].join('\n');
}

function showCounts(counts: Omit<RetainReport, 'done' | 'policies'>): string {
  const { documents, revisions, logRecords, auditDocuments } = counts;
  return (
    `${documents} documents, ${revisions} revisions, ${logRecords} log records, ` +
    `${auditDocuments} audit documents`
  );
}
