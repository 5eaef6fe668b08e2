import type { Command } from 'commander';
import type { CacheReport } from '../../llm/semantic/report.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';

export function addCache(program: Command, invocation: Invocation): void {
  program
    .command('cache')
    .description('what kept answers saved, and how often those for other questions were wrong')
    .option('--since <time>', 'from this time on (ISO 8601)')
    .addHelpText('after', examples(['jdbx cache --since 2026-01-01', 'this year’s']))
    .action(({ since }: { since?: string }) =>
      invocation.withStore(async (db) => {
        const report = await db.cacheReport(since === undefined ? {} : { since });
        await invocation.output.value(report, () => showReport(report));
      }),
    );
}

function showReport(report: CacheReport): string {
  const { exact, semantic, saved_usd, checked, false_hits, false_hit_interval } = report;
  const given = `given for equal requests: ${exact}, for like ones: ${semantic}; saved $${saved_usd}`;
  if (!false_hit_interval) return `${given}\nnone was checked`;
  const [low, high] = false_hit_interval.map((share) => `${(share * 100).toFixed(1)} %`);
  return `${given}\n${false_hits} of ${checked} that were checked were wrong (${low} to ${high})`;
}
