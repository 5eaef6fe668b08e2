import { type Command, Option } from 'commander';
import {
  type ImportOptions,
  type ImportProgress,
  TEXT_FORMATS,
} from '../../documents/transfer/contract.js';
import type { Jdbx } from '../../jdbx.js';
import { examples } from '../examples.js';
import { showBytes, showDuration } from '../figures.js';
import { interruptible } from '../interrupt.js';
import type { Invocation } from '../invocation.js';
import { StatusLine, showImport } from '../progress.js';

export function addImport(program: Command, invocation: Invocation): void {
  program
    .command('import')
    .description('write the documents of a file; makes the store if need be')
    .argument('<file>', 'JSON, JSON lines or CSV; - for the standard input')
    .option('--type <type>', 'the _type of documents that have none')
    .option('--id <id>', 'make each _id: a field, or a template such as item:{shop}-{sku}')
    .addOption(new Option('--format <format>', 'default: by the ending').choices(TEXT_FORMATS))
    .addOption(new Option('--mode <mode>', 'insert: refuse ids that exist').choices(MODES))
    .addOption(new Option('--types <types>', 'of CSV cells').choices(['infer', 'text']))
    .option('--delimiter <character>', 'of CSV cells, default a comma')
    .option('--check-rev', 'a _rev in the text must be the current one')
    .option('--atomic', 'one commit for everything, at most 10,000 documents')
    .addHelpText(
      'after',
      examples(
        ['jdbx import patterns.jsonl', 'documents with their own _id and _type'],
        ['jdbx import questions.csv --type question --id question_id', 'rows of a table'],
        ['jdbx -s old export | jdbx -s new import -', 'one store into another'],
      ) + NOTE,
    )
    .action((file: string, options: ImportOptions) =>
      invocation.withNewStore((db) => importFile(db, invocation, file, options)),
    );
}

const MODES = ['put', 'insert'] as const;
const NOTE = `

A file is read to its end and checked before anything is written. The standard input is written
as it comes, 1,000 documents at a time; an error says what was written before it.`;

async function importFile(
  db: Jdbx,
  { output }: Invocation,
  file: string,
  options: ImportOptions,
): Promise<void> {
  const source = file === '-' ? process.stdin : file;
  const line = new StatusLine(output);
  const result = await interruptible(({ signal }) => {
    // A process does not end while it waits for input.
    signal.addEventListener('abort', () => process.stdin.destroy());
    if (file === '-') output.note('reading the standard input');
    const onProgress = (progress: ImportProgress) => line.show(showImport(progress));
    return db.import(source, { ...options, signal, onProgress });
  }).finally(() => line.end());
  const { documents, unchanged, skipped, bytes, durationMs } = result;
  await output.value(result, () => {
    const parts = [
      `${documents} documents`,
      ...(unchanged > 0 ? [`${unchanged} of them unchanged`] : []),
      ...(skipped > 0 ? [`${skipped} audit documents left out`] : []),
    ];
    return `${parts.join(', ')}; ${showBytes(bytes)} in ${showDuration(durationMs)}`;
  });
}
