import type { Command } from 'commander';
import type { Jdbx } from '../../jdbx.js';
import { explainFailure } from '../../pipelines/document-tests/explain.js';
import type { TestResult } from '../../pipelines/document-tests/results.js';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import { showDuration } from '../figures.js';
import type { Invocation } from '../invocation.js';
import type { Column } from '../table.js';

export function addTest(program: Command, invocation: Invocation): void {
  program
    .command('test')
    .description('run the tests that transformers and prompts carry; nothing is written')
    .argument('[ids...]', 'the documents; default: every one that has tests')
    .addHelpText(
      'after',
      examples(
        ['jdbx test', 'all tests; exit code 1 when one fails'],
        ['jdbx test transformer:score', 'those of one document'],
        [`jdbx test | jq -c 'select(.ok | not)'`, 'what fails, as JSON'],
      ),
    )
    .action((ids: string[]) =>
      invocation.withStore(async (db) => {
        const results = await runTests(db, ids);
        const failed = results.filter(({ ok }) => !ok);
        if (failed.length > 0) invocation.exitCode = EXIT.failed;
        const { output } = invocation;
        await output.list(results, () => COLUMNS);
        if (!output.json) for (const each of failed) await output.raw(describeFailure(each));
        output.note(`${results.length - failed.length} passed, ${failed.length} failed`);
      }),
    );
}

async function runTests(db: Jdbx, ids: readonly string[]): Promise<TestResult[]> {
  if (ids.length === 0) return [...(await db.test()).results];
  const reports = await Promise.all(ids.map((id) => db.test(id)));
  return reports.flatMap(({ results }) => results);
}

const COLUMNS: readonly Column<TestResult>[] = [
  { title: '', cell: ({ ok }) => (ok ? 'ok' : 'FAIL') },
  { title: 'document', cell: ({ document }) => document },
  { title: 'test', cell: ({ test }) => test },
  { title: 'took', cell: ({ durationMs }) => showDuration(durationMs), right: true },
];

/** What a failed test says: a line for each difference, and for what was thrown. */
function describeFailure(result: TestResult): string {
  const lines = [`${result.document}: ${result.test}`, ...explainFailure(result)];
  return `\n${lines.map((line, index) => (index === 0 ? line : `  ${line}`).replace(CONTROLS, ' ')).join('\n')}\n`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a document's text must not reach a terminal's controls
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g;
