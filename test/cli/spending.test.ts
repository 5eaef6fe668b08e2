/** What a run may spend, and what kept answers saved, from the command line. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { answer, FaultServer, status } from '../support/fault-server.js';
import { Place } from './support.js';

const place = new Place();
let server: FaultServer;
const usage = { prompt_tokens: 100, completion_tokens: 50 };
const said = {
  model: 'm',
  choices: [{ message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
  usage,
};
beforeAll(async () => {
  server = await FaultServer.start([answer(said)]);
  const db = await open(place.store, { env: {}, workers: 1 });
  const stage = { name: 'ask', integration: 'integration:i', inputs: { prompt: 'Is it?' } };
  await db.put([
    {
      _id: 'integration:i',
      _type: 'integration',
      provider: 'openai',
      endpoint: `${server.url}/v1`,
      model: 'm',
      price: { input_per_million: 1_000, output_per_million: 2_000 },
      retry_strategy: { max_retries: 0 },
    },
    { _id: 'pipeline:ask', _type: 'pipeline', stages: [stage] },
    {
      _id: 'pipeline:kept',
      _type: 'pipeline',
      stages: [{ ...stage, response_cache: { always: true } }],
    },
    { _id: 'budget:two', _type: 'budget', limits: { calls: 2 } },
    { _id: 'budget:key:*', _type: 'budget', limits: { calls: 1 }, parent: 'budget:two' },
  ]);
  await db.close();
});
afterAll(async () => {
  await server.close();
  place[Symbol.dispose]();
});

/** Runs command lines in one process. @returns what each ended with, and all that was said */
async function jdbx(...lines: string[][]) {
  const { out, err } = await place.runMany(lines);
  const codes = [...err.matchAll(/^::ended (\d+)$/gm)].map(([, code]) => Number(code));
  return { codes, out, err };
}

async function spentOf(id: string) {
  const db = await open(place.store, { env: {}, workers: 1, resume: false });
  const budget = (await db.get(id)) as { spent?: object; reserved?: object } | undefined;
  await db.close();
  return budget;
}

it('a run counts in the budget that --budget names, and ends where it does', async () => {
  const run = ['run', 'pipeline:ask', '--budget', 'budget:two', '--json'];
  const { codes, err } = await jdbx(run, run, run, ['run', 'pipeline:ask', '--budget', 'nobody']);
  expect(codes).toEqual([0, 0, 1, 1]);
  expect(err).toContain('budget:two');
  expect(err).toContain('MISSING_DOCUMENT');
  expect(server.requests).toHaveLength(2);
  expect(await spentOf('budget:two')).toMatchObject({
    spent: { calls: 2, tokens: 300, cost_usd: 0.4 },
    reserved: { calls: 0, tokens: 0 },
  });
});

it('each --budget-key has a budget of its own, within the wider one', async () => {
  const db = await open(place.store, { env: {}, workers: 1, resume: false });
  await db.put([{ _id: 'budget:two', _type: 'budget', limits: { calls: 2 } }]);
  await db.close();
  server.play([answer(said)]);
  const run = (key: string) => ['run', 'pipeline:ask', '--budget-key', key, '--json'];
  // Anna's second is over hers, Carl's first over the wider one.
  const { codes, err } = await jdbx(run('anna'), run('anna'), run('bert'), run('carl'));
  expect(codes).toEqual([0, 1, 0, 1]);
  expect(err).toContain('budget:key:anna');
  expect(err).toContain('budget:two');
  expect(server.requests).toHaveLength(2);
  expect(await spentOf('budget:key:bert')).toMatchObject({ spent: { calls: 1, tokens: 150 } });
  expect(await spentOf('budget:two')).toMatchObject({ spent: { calls: 2 } });
});

it('says what calls cost, by what they are told apart', async () => {
  const { codes, out, err } = await jdbx(
    ['costs', '--day', 'today', '--json'],
    ['costs', '--by', 'integration', '--no-json'],
    ['costs', '--day', '2001-01-01', '--json'],
    ['costs', '--day', 'someday'],
    ['costs', '--day', 'constructor'],
    ['costs', '--since', 'then'],
    ['costs', '--since', '5'],
    ['costs', '--by', 'mood'],
  );
  expect(codes).toEqual([0, 0, 0, 2, 2, 2, 2, 2]);
  const [first = '', ...others] = out.split('\n');
  expect(JSON.parse(first)).toMatchObject({
    group: 'pipeline:ask',
    cost_usd: expect.closeTo(0.8, 9),
    calls: 4,
    failures: 0,
    unknown: 0,
  });
  expect(others.join('\n')).toContain('integration:i  $0.80');
  expect(err).toContain('2026-01-31');
});

it('says what kept answers saved', async () => {
  server.play([answer(said), status(500)]);
  const keep = ['run', 'pipeline:kept', '--json'];
  const { codes, out } = await jdbx(
    ['cache', '--no-json'],
    keep,
    keep,
    ['cache', '--no-json'],
    ['cache', '--json'],
    ['cache', '--json', '--since', '2999-01-01'],
  );
  expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
  expect(out).toContain('given for equal requests: 0, for like ones: 0; saved $0\n');
  expect(out).toContain('given for equal requests: 1, for like ones: 0; saved $0.2\n');
  expect(out).toContain('none was checked');
  const [since, all] = out.trim().split('\n').reverse();
  expect(JSON.parse(all as string)).toMatchObject({ exact: 1, semantic: 0, saved_usd: 0.2 });
  expect(JSON.parse(since as string)).toMatchObject({ exact: 0, saved_usd: 0 });
});
