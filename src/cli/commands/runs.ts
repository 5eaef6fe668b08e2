import { type Command, Option } from 'commander';
import type { RunDocument } from '../../pipelines/run-document.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readCount } from '../read-text.js';
import { runColumns } from '../run-columns.js';

interface RunsOptions {
  readonly status?: string;
  readonly pipeline?: string;
  readonly limit: number;
  readonly children?: boolean;
}

export function addRuns(program: Command, invocation: Invocation): void {
  program
    .command('runs')
    .description('list runs, the newest first')
    .addOption(
      new Option('--status <status>', 'only these').choices([
        'running',
        'waiting',
        'paused',
        'completed',
        'failed',
        'cancelled',
      ]),
    )
    .option('--pipeline <id>', 'only runs of this pipeline')
    .option('--limit <n>', 'how many at most; 0: all', readCount, 20)
    .option('--children', 'also runs that other runs started')
    .addHelpText(
      'after',
      examples(
        ['jdbx runs --status failed', 'what went wrong lately'],
        ['jdbx runs --pipeline pipeline:answer --limit 0 | jq .usage.cost_usd', 'every cost'],
      ),
    )
    .action((options: RunsOptions) =>
      invocation.withStore(async (db) => {
        const { status, pipeline, limit, children } = options;
        const filter = {
          _type: 'run',
          ...(status === undefined ? {} : { status }),
          ...(pipeline === undefined ? {} : { pipeline }),
          ...(children ? {} : { parent: { $exists: false } }),
        };
        const runs = db.query<RunDocument>(filter).sort({ started_at: -1, _id: 1 }).limit(limit);
        await invocation.output.list(runs, () => runColumns);
      }),
    );
}
