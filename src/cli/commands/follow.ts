import type { Command } from 'commander';
import type { RunEvent } from '../../pipelines/follow.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readCount } from '../read-text.js';

interface FollowCommandOptions {
  readonly since?: number;
}

export function addFollow(program: Command, invocation: Invocation): void {
  program
    .command('follow')
    .description('tell what a run has done and does, until it ends, in whatever process it runs')
    .argument('<run>', 'the run')
    .option('--since <n>', 'the number of the last event seen', readCount)
    .addHelpText(
      'after',
      examples(
        ['jdbx follow run:a', 'each stage, wait and end, once it is durable'],
        ['jdbx follow run:a --since 41', 'go on after the last event seen'],
      ),
    )
    .action((run: string, { since }: FollowCommandOptions) =>
      invocation.withStore(async (db) => {
        for await (const event of db.follow(run, { since })) {
          await invocation.output.value(event, () => lineOf(event));
        }
      }),
    );
}

function lineOf({ n, type, run, path, status, at, error }: RunEvent): string {
  const place = [...run.split('/').slice(1), path].filter((part) => part !== undefined).join('/');
  const facts = [place, status, error && `${error.code}: ${error.message}`];
  return [String(n).padStart(6), at, type.padEnd(10), ...facts.filter(Boolean)].join('  ');
}
