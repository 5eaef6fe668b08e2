import type { Command } from 'commander';
import type { AuditDocument } from '../../history/audit-chain.js';
import type { Jdbx } from '../../jdbx.js';
import { auditColumns } from '../audit-columns.js';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { NotFound, UsageError } from '../usage-error.js';

export function addAudit(program: Command, invocation: Invocation): void {
  program
    .command('audit')
    .description('show what a run did, step by step, or check the whole audit trail')
    .argument('[run]', 'the run, such as run:2026-01-31')
    .option('--verify', 'check the chain of hashes; exit code 1 when it is broken')
    .addHelpText(
      'after',
      examples(
        ['jdbx audit run:2026-01-31', 'a timeline, with the runs that it started'],
        ['jdbx audit --verify', 'is the trail of this store whole?'],
        [`jdbx audit run:2026-01-31 | jq 'select(.kind == "llm-call")'`, 'every model call'],
      ),
    )
    .action((run: string | undefined, { verify }: { verify?: boolean }) => {
      if (run === undefined && !verify) throw new UsageError('expected a run, or --verify');
      return invocation.withStore(async (db) => {
        if (run !== undefined) await showTimeline(db, invocation, run);
        if (verify) await verifyTrail(db, invocation);
      });
    });
}

async function showTimeline(db: Jdbx, { output }: Invocation, run: string): Promise<void> {
  // Child runs are named `run/path`, and `0` is the character after `/`.
  const children = { run: { $gte: `${run}/`, $lt: `${run}0` } };
  const entries = await db.audit.query({ $or: [{ run }, children] }).toArray();
  if (entries.length === 0) throw new NotFound(`the audit trail says nothing of ${run}`);
  const [first] = entries as [AuditDocument];
  await output.list(entries, () => auditColumns(run, Date.parse(first.at)));
}

async function verifyTrail(db: Jdbx, invocation: Invocation): Promise<void> {
  const verdict = await db.audit.verify();
  const { verified, broken } = verdict;
  if (!verdict.ok) invocation.exitCode = EXIT.failed;
  await invocation.output.value(verdict, () =>
    broken
      ? `broken at ${broken.id}: ${broken.reason} (${verified} before it are sound)`
      : `${verified} audit documents, every link sound`,
  );
}
