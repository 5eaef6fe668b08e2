import type { Command } from 'commander';
import { JdbxError } from '../../base/errors.js';
import type { Jdbx } from '../../jdbx.js';
import { examples } from '../examples.js';
import { showDuration, showUsage } from '../figures.js';
import type { Invocation } from '../invocation.js';
import { showStages } from '../progress.js';
import { readArgument, readCount, readJson } from '../read-text.js';
import { stoppingRuns } from '../stop-runs.js';
import { UsageError } from '../usage-error.js';

interface RunCommandOptions {
  readonly input?: string;
  readonly session?: string;
  readonly key?: string;
  readonly timeout?: number;
  readonly priority?: number;
  readonly deadline?: string;
  readonly budget?: string;
  readonly budgetKey?: string;
}

export function addRun(program: Command, invocation: Invocation): void {
  program
    .command('run')
    .description('run a pipeline document to its end')
    .argument('<id>', 'the pipeline, such as pipeline:answer')
    .option('-i, --input <json>', 'the input: JSON, @file, or - for the standard input')
    .option('--session <id>', 'the session that the run belongs to')
    .option('--key <key>', 'name the run: the same key gives the same run, not another')
    .option('--timeout <ms>', 'cancel the run after so many milliseconds', readCount)
    .option('--priority <n>', 'higher ones go first where runs queue', Number)
    .option('--deadline <time>', 'fail the run when it has not ended by then (ISO 8601)')
    .option('--budget <id>', 'a budget that its model calls count in')
    .option('--budget-key <key>', 'for whom it is: its calls count in budget:key:KEY')
    .addHelpText(
      'after',
      examples(
        [`jdbx run pipeline:answer --input '{"question": "What is JDBX?"}'`, 'run and watch'],
        ['jdbx run pipeline:answer -i @in.json | jq .output', 'just the output'],
        ['jdbx run pipeline:nightly --key 2026-01-31', 'at most once for each day'],
      ),
    )
    .action((id: string, options: RunCommandOptions) =>
      invocation.withStore((db) => runPipeline(db, invocation, id, options)),
    );
}

async function runPipeline(
  db: Jdbx,
  { output }: Invocation,
  id: string,
  { input, session, key, timeout, priority, deadline, budget, budgetKey }: RunCommandOptions,
): Promise<void> {
  if (timeout === 0) throw new UsageError('expected --timeout to be at least 1 ms');
  const value = input === undefined ? {} : readJson(await readArgument(input), 'the input');
  let run = key === undefined ? undefined : `run:${key}`;
  db.events.on('run-start', (event) => {
    run ??= event.run;
  });
  showStages(db, output);
  const told = () => `${run ?? 'the run'} stopped; \`jdbx resume\` goes on with it`;
  const result = await stoppingRuns(db, told, async () => {
    const late = lateSignal(timeout);
    try {
      return await db.run(id, value, {
        session,
        key,
        priority,
        deadline,
        budget,
        budgetKey,
        signal: late?.signal,
      });
    } finally {
      clearTimeout(late?.timer);
    }
  });
  await output.value(result, () =>
    result.status === 'completed' ? showOutput(result.output) : '',
  );
  output.note(
    `${result.id} ${result.status === 'completed' ? 'completed' : `is ${result.status}`} in ${showDuration(result.durationMs)}: ${showUsage(result.usage)}`,
  );
}

function lateSignal(ms: number | undefined) {
  if (ms === undefined) return undefined;
  const abort = new AbortController();
  const reason = new JdbxError('RUN_CANCELLED', `it took longer than --timeout ${ms} ms`);
  return { signal: abort.signal, timer: setTimeout(() => abort.abort(reason), ms) };
}

/** An answer that is only text is shown as text. */
function showOutput(output: unknown): string {
  const text = (output as { text?: unknown } | null)?.text ?? output;
  return typeof text === 'string' ? text : JSON.stringify(output, undefined, 2);
}
