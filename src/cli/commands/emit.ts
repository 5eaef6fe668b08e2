import type { Command } from 'commander';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readArgument, readJson } from '../read-text.js';

interface EmitCommandOptions {
  readonly key?: string;
  readonly once?: boolean;
}

export function addEmit(program: Command, invocation: Invocation): void {
  program
    .command('emit')
    .description('emit an event that runs wait for')
    .argument('<event>', "the event's name")
    .argument('[json]', 'what goes with it: JSON, @file, or - for the standard input', 'null')
    .option('--key <json>', 'its correlation key, as JSON')
    .option('--once', 'for one run that waits, not for all')
    .addHelpText(
      'after',
      examples([
        `jdbx emit paid '{"by": "card"}' --key 7`,
        'every run that waits for 7 to be paid goes on',
      ]),
    )
    .action((event: string, json: string, { key, once }: EmitCommandOptions) =>
      invocation.withStore(async (db) => {
        const value = readJson(await readArgument(json), 'the event');
        const correlation = key === undefined ? null : readJson(key, '--key');
        const id = await db.emit(event, value, { key: correlation, once });
        await db.settled();
        await invocation.output.value({ event: id }, () => id);
      }),
    );
}
