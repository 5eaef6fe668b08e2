import type { Jdbx } from '../jdbx.js';
import type { RunDocument } from '../pipelines/run-document.js';
import { EXIT } from './exit-codes.js';
import type { Invocation } from './invocation.js';
import { runColumns } from './run-columns.js';

/** Lets what a command has woken come to rest, and prints how the run stands then. */
export async function showStanding(db: Jdbx, invocation: Invocation, run: string): Promise<void> {
  await db.settled();
  const document = (await db.runOf(run)) as RunDocument;
  await invocation.output.list([document], () => runColumns);
  if (document.status === 'failed') invocation.exitCode = EXIT.failed;
}
