import { type Command, Option } from 'commander';
import { COST_GROUPS, type CostGroup, type CostReport } from '../../llm/prices/cost-report.js';
import { examples } from '../examples.js';
import { showCost } from '../figures.js';
import type { Invocation } from '../invocation.js';
import { timeIn } from '../read-text.js';
import type { Column } from '../table.js';
import { UsageError } from '../usage-error.js';

interface Options {
  readonly by: CostGroup;
  readonly since?: string;
  readonly until?: string;
  readonly day?: string;
}

export function addCosts(program: Command, invocation: Invocation): void {
  program
    .command('costs')
    .description('what models cost, which of them failed and what kept answers saved')
    .addOption(
      new Option('--by <group>', 'a row for each of these')
        .choices(COST_GROUPS)
        .default('pipeline'),
    )
    .option('--day <day>', 'one UTC day: today, yesterday or 2026-01-31')
    .option('--since <time>', 'calls from this time on (ISO 8601)')
    .option('--until <time>', 'calls before this time (ISO 8601)')
    .addHelpText(
      'after',
      examples(
        ['jdbx costs --day yesterday', 'by pipeline'],
        ['jdbx costs --by integration', 'which failed most, in a column of its own'],
        ['jdbx costs --by day --since 2026-01-01', 'a line of JSON for each day'],
      ),
    )
    .action((options: Options) =>
      invocation.withStore(async (db) => {
        const rows = await db.costReport({ by: options.by, ...spanOf(options) });
        await invocation.output.list(rows, () => columnsOf(options.by));
      }),
    );
}

const DAY_MS = 86_400_000;
const DAYS_BEFORE = new Map([
  ['today', 0],
  ['yesterday', DAY_MS],
]);

function spanOf({ day, since, until }: Options): { since?: string; until?: string } {
  if (day === undefined) {
    return {
      ...(since === undefined ? {} : { since: isoTime(since, '--since') }),
      ...(until === undefined ? {} : { until: isoTime(until, '--until') }),
    };
  }
  if (since !== undefined || until !== undefined) {
    throw new UsageError('expected --day, or --since and --until');
  }
  const start = Date.parse(`${namedDay(day)}T00:00:00Z`);
  if (Number.isNaN(start)) throw new UsageError(`expected a day such as 2026-01-31, got "${day}"`);
  return {
    since: new Date(start).toISOString(),
    until: new Date(start + DAY_MS).toISOString(),
  };
}

function namedDay(day: string): string {
  const before = DAYS_BEFORE.get(day);
  return before === undefined ? day : new Date(Date.now() - before).toISOString().slice(0, 10);
}

function isoTime(text: string, option: string): string {
  const time = timeIn(text);
  if (Number.isNaN(time))
    throw new UsageError(`expected an ISO 8601 time in ${option}, got "${text}"`);
  return new Date(time).toISOString();
}

function columnsOf(by: CostGroup): readonly Column<CostReport>[] {
  const count = (title: string, pick: (row: CostReport) => number): Column<CostReport> => {
    return { title, cell: (row) => (pick(row) === 0 ? '' : String(pick(row))), right: true };
  };
  const dollars = (title: string, pick: (row: CostReport) => number): Column<CostReport> => {
    return { title, cell: (row) => (pick(row) === 0 ? '' : showCost(pick(row))), right: true };
  };
  return [
    { title: by, cell: ({ group }) => group ?? '(none)' },
    { title: 'cost', cell: ({ cost_usd }) => showCost(cost_usd), right: true },
    count('calls', ({ calls }) => calls),
    count('failed', ({ failures }) => failures),
    count('cancelled', ({ cancelled }) => cancelled),
    { title: 'tokens', cell: (row) => `${row.input_tokens} + ${row.output_tokens}`, right: true },
    count('hits', ({ hits }) => hits),
    dollars('saved', ({ saved_usd }) => saved_usd),
    count('unknown', ({ unknown }) => unknown),
    dollars('of at most', ({ at_most_usd }) => at_most_usd),
  ];
}
