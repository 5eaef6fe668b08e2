import type { Command } from 'commander';
import { takeValue } from '../../base/values.js';
import type { TortureProgress, TortureReport } from '../../torture/contract.js';
import { examples } from '../examples.js';
import { EXIT } from '../exit-codes.js';
import { showDuration } from '../figures.js';
import { interruptible } from '../interrupt.js';
import type { Invocation } from '../invocation.js';
import { readArgument, readCount, readJson } from '../read-text.js';

interface TortureCommandOptions {
  readonly input?: string;
  readonly session?: string;
  readonly kills?: number;
  readonly seed?: number;
  readonly powerLoss?: boolean;
}

export function addTorture(program: Command, invocation: Invocation): void {
  program
    .command('torture')
    .description('kill a pipeline at every commit in copies of the store, and look what is left')
    .argument('<pipeline>', 'the pipeline, such as pipeline:answer')
    .option('-i, --input <json>', 'the input: JSON, @file, or - for the standard input')
    .option('--session <id>', 'the session that its runs belong to')
    .option('--kills <n>', 'how often runs are killed, 200 by default', readCount)
    .option('--seed <n>', 'the same seed chooses the same moments', readCount)
    .option('--power-loss', 'also drop and tear what was not flushed; Linux with a C compiler')
    .addHelpText(
      'after',
      examples(
        ['jdbx torture pipeline:order -i @order.json', 'exit code 1 when anybody could tell'],
        ['jdbx torture pipeline:order --kills 1000 --power-loss', 'longer, and harder'],
      ),
    )
    .action((pipeline: string, options: TortureCommandOptions) =>
      invocation.withStore(async (db) => {
        const { input, session, ...others } = options;
        const value = input === undefined ? {} : readJson(await readArgument(input), 'the input');
        const work = { pipeline, input: takeValue(value, 'input'), session };
        const { torture } = await import('../../torture/torture.js');
        const { output } = invocation;
        const report = await interruptible(({ signal }) => {
          const onProgress = (progress: TortureProgress) => output.note(showProgress(progress));
          return torture(db, { works: [work], ...others, signal, onProgress });
        });
        if (!report.ok) invocation.exitCode = EXIT.failed;
        await output.value(report, () => describe(report));
      }),
    );
}

function showProgress({ kills, of, judged, problems }: TortureProgress): string {
  return `${kills} of ${of} kills, ${judged} runs looked through, ${problems} problems`;
}

/** The verdict, after what is wrong. */
export function describe(report: TortureReport): string {
  const { ok, problems, kills, atCommits, processes, judged, calls, callsNeeded } = report;
  const { lostWrites, seed, durationMs } = report;
  const lost = lostWrites > 0 ? ` ${lostWrites} writes were dropped or torn.` : '';
  return [
    ...problems,
    `${kills} kills, ${atCommits} of them at a chosen commit, in ${processes} processes; ` +
      `${judged} runs ended and were looked through; ${calls} calls left, where ${callsNeeded} ` +
      `would have without a kill.${lost} Seed ${seed}, ${showDuration(durationMs)}.`,
    ok ? 'Nobody could tell.' : `${problems.length} problems: NOT safe.`,
  ].join('\n');
}
