import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { describeThrown } from '../../base/errors.js';
import { formatOfName } from '../../documents/transfer/choose-format.js';
import { TEXT_FORMATS, type TextFormat } from '../../documents/transfer/contract.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readArgument, readObject } from '../read-text.js';
import { UsageError } from '../usage-error.js';

interface ExportCommandOptions {
  readonly format?: TextFormat;
  readonly output?: string;
}

export function addExport(program: Command, invocation: Invocation): void {
  program
    .command('export')
    .description('print documents as text, in the order of their ids, from one snapshot')
    .argument('[filter]', 'which ones; JSON, @file or -', '{}')
    .addOption(
      new Option('--format <format>', "default: by the file's ending, else jsonl").choices(
        TEXT_FORMATS,
      ),
    )
    .option('-o, --output <file>', 'write a file; it appears when it is whole')
    .addHelpText(
      'after',
      examples(
        ['jdbx export -o backup.jsonl', 'everything'],
        [`jdbx export '{"_type": "grade"}' -o grades.csv`, 'one type, as a table'],
      ),
    )
    .action((filter: string, { format, output: file }: ExportCommandOptions) =>
      invocation.withStore(async (db) => {
        const wanted = readObject(await readArgument(filter), 'FILTER');
        const chosen = format ?? formatOfName(file ?? '');
        const pieces = db.export(wanted, { format: chosen });
        if (file !== undefined) return writeWhole(file, pieces);
        for await (const piece of pieces) await invocation.output.raw(piece);
      }),
    );
}

async function writeWhole(file: string, pieces: AsyncIterable<string>): Promise<void> {
  const part = `${file}.part`;
  try {
    await pipeline(pieces, createWriteStream(part, { flush: true }));
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    const isSystem = typeof (error as NodeJS.ErrnoException).syscall === 'string';
    throw isSystem ? new UsageError(`cannot write ${file}: ${describeThrown(error)}`) : error;
  }
}
