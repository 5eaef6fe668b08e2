import type { Command } from 'commander';
import type { Update } from '../../documents/contract.js';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { readTarget } from '../read-target.js';
import { readArgument, readJson } from '../read-text.js';

interface UpdateCommandOptions {
  readonly many?: boolean;
  readonly upsert?: boolean;
}

export function addUpdate(program: Command, invocation: Invocation): void {
  program
    .command('update')
    .description("change documents with MongoDB's update operators; exit code 1 when none matches")
    .argument('<target>', 'an _id, or a filter as JSON')
    .argument('<update>', 'JSON, @file or -')
    .option('--many', 'every document that the filter finds, not just the first')
    .option('--upsert', 'make a document when none is found')
    .addHelpText(
      'after',
      examples(
        [`jdbx update note:1 '{"$set": {"text": "hi"}}'`, 'one document'],
        [`jdbx update '{"_type": "note"}' '{"$inc": {"reads": 1}}' --many`, 'all of a type'],
      ),
    )
    .action((target: string, update: string, options: UpdateCommandOptions) =>
      invocation.withStore(async (db) => {
        const change = readJson(await readArgument(update), 'UPDATE') as Update;
        const result = await db.update(readTarget(target), change, options);
        if (result.matched === 0 && !result.upserted) invocation.exitCode = EXIT.failed;
        await invocation.output.value(result, () => {
          if (result.upserted) return `made ${result.upserted}`;
          return `${result.matched} matched, ${result.modified} changed`;
        });
      }),
    );
}
