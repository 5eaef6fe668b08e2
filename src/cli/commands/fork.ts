import type { Command } from 'commander';
import type { ForkPatch } from '../../pipelines/fork.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readArgument, readJson } from '../read-text.js';

interface ForkCommandOptions {
  readonly after?: string;
  readonly patch?: string;
  readonly key?: string;
  readonly session?: string;
}

export function addFork(program: Command, invocation: Invocation): void {
  program
    .command('fork')
    .description('run a new run that stands where another one stood after a stage')
    .argument('<run>', 'the run that it comes from')
    .option('--after <stage>', 'the finished stage; without it the run begins anew')
    .option('--patch <json>', '{ input, outputs: { STAGE: value } }: JSON, @file, or -')
    .option('--key <key>', 'name the new run')
    .option('--session <id>', 'its session; default: that of the other')
    .addHelpText(
      'after',
      examples([
        `jdbx fork run:a --after draft --patch '{"outputs": {"draft": {"text": "better"}}}'`,
        'what would have come of another draft',
      ]),
    )
    .action((run: string, { after, patch, key, session }: ForkCommandOptions) =>
      invocation.withStore(async (db) => {
        const read = patch === undefined ? {} : readJson(await readArgument(patch), '--patch');
        const result = await db.fork(run, after, read as ForkPatch, { key, session });
        await invocation.output.value(result, () => JSON.stringify(result.output, undefined, 2));
        invocation.output.note(`${result.id} ${result.status}`);
      }),
    );
}
