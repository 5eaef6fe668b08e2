import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { canFollow } from '#jdbx/storage/follower.js';
import { linesOf, Place } from './support.ts';

const place = new Place();
const jdbx = (args: readonly string[], input?: string) => place.run(args, input);

const GREET = `export default function greet({ name }) {
  db.put({ _id: 'greeting:' + name, _type: 'greeting' });
  return { text: 'hello ' + name };
}`;
const WAIT = `function wait() {
  if (!db.get('flag')) throw new Error('no flag yet');
  return 'seen';
}`;
const DOCUMENTS = [
  { _id: 'transformer:greet', _type: 'transformer', code: GREET, permissions: ['db.put:greeting'] },
  { _id: 'transformer:wait', _type: 'transformer', code: WAIT, permissions: ['db.get'] },
  { _id: 'integration:quote', _type: 'integration', provider: 'extractive' },
  {
    _id: 'pipeline:greet',
    _type: 'pipeline',
    stages: [{ name: 'greet', transformer: 'transformer:greet', inputs: '$input' }],
  },
  {
    _id: 'pipeline:ask',
    _type: 'pipeline',
    stages: [
      { name: 'child', pipeline: 'pipeline:greet', inputs: '$input' },
      {
        name: 'ask',
        integration: 'integration:quote',
        inputs: { prompt: 'What do cats do?', context: ['Cats purr. Dogs bark.'] },
      },
    ],
  },
  {
    _id: 'pipeline:fail',
    _type: 'pipeline',
    stages: [{ name: 'wait', transformer: 'transformer:wait' }],
  },
  {
    _id: 'pipeline:wait',
    _type: 'pipeline',
    stages: [
      { name: 'greet', transformer: 'transformer:greet', inputs: '$input' },
      {
        name: 'wait',
        transformer: 'transformer:wait',
        retry: { attempts: 100, backoff: 'constant', delay_ms: 20_000, codes: ['GUEST_ERROR'] },
      },
    ],
  },
];

beforeAll(async () => {
  const db = await open(place.store, { workers: 1 });
  await db.put(DOCUMENTS);
  await db.close();
});
afterAll(() => place[Symbol.dispose]());

describe('run', () => {
  it('prints the result as JSON when piped', async () => {
    const ended = await jdbx(['run', 'pipeline:ask', '-i', '-', '--key', 'one'], '{"name":"Ada"}');
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(linesOf(ended)).toMatchObject([
      { id: 'run:one', status: 'completed', output: { text: 'Cats purr.' }, usage: { calls: 1 } },
    ]);
  });

  it('gives the same run for the same key', async () => {
    const again = await jdbx(['run', 'pipeline:ask', '--input', '{"name":"Ada"}', '--key', 'one']);
    expect(linesOf(again)).toMatchObject([{ id: 'run:one', status: 'completed' }]);
    expect(linesOf(await jdbx(['runs', '--pipeline', 'pipeline:ask']))).toHaveLength(1);
  });

  it('shows people its stages, its answer and what it took', async () => {
    const args = ['run', 'pipeline:ask', '-i', '{"name":"Bo"}', '--session', 's', '--no-json'];
    const { code, out, err } = await jdbx(args);
    expect([code, out]).toEqual([0, 'Cats purr.\n']);
    expect(err).toMatch(/✓ child\/greet {2}.*\n {2}✓ child {2}.*\n {2}✓ ask {2}/);
    expect(err).toMatch(/run:\S+ completed in .*: 1 call, \d+ \+ \d+ tokens, \$/);
    expect((await jdbx([...args, '--quiet'])).err).toBe('');
    expect(linesOf(await jdbx(['get', 's']))).toMatchObject([{ _type: 'session', turns: 4 }]);
  });

  it('that fails is an exit code of 1 and names the stage', async () => {
    const ended = await jdbx(['run', 'pipeline:fail', '--key', 'bad']);
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toMatch(
      /^RUN_FAILED: run:bad failed at stage wait: GUEST_ERROR: .*no flag yet\n$/,
    );
  });

  it('is cancelled after its timeout', async () => {
    const ended = await jdbx(['run', 'pipeline:wait', '-i', '{"name":"T"}', '--timeout', '300']);
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toContain('longer than --timeout 300 ms');
    expect(linesOf(await jdbx(['runs', '--status', 'cancelled']))).toHaveLength(1);
  });

  it.each([
    [['run', 'pipeline:nope'], 1, 'MISSING_DOCUMENT'],
    [['run', 'transformer:greet'], 2, 'INVALID_PIPELINE'],
    [['run', 'pipeline:ask', '-i', '{'], 2, 'USAGE: the input is not JSON'],
  ])('refuses %j', async (args, code, message) => {
    const ended = await jdbx(args);
    expect(ended).toMatchObject({ code, out: '' });
    expect(ended.err).toContain(message);
  });
});

describe('runs and audit', () => {
  it('list runs, and tell what one did step by step', async () => {
    const { out: table } = await jdbx(['runs', '--status', 'failed', '--no-json']);
    expect(table).toMatch(/^run +pipeline +status +started +duration/);
    expect(table).toContain('run:bad');
    const { out } = await jdbx(['audit', 'run:one', '--no-json']);
    const kinds = out.split('\n').map((line) => line.trim().split(/ {2,}/).slice(1, 3).join(' '));
    expect(kinds).toEqual([
      'kind path',
      'run-start',
      'run-start child',
      'stage child/greet',
      'run-end child',
      'stage child',
      'llm-call ask',
      'stage ask',
      'run-end completed',
      '',
    ]);
    const entries = linesOf(await jdbx(['audit', 'run:bad']));
    expect(entries.map(({ kind }) => kind)).toEqual(['run-start', 'stage', 'run-end']);
  });

  it('verify the chain', async () => {
    expect(linesOf(await jdbx(['audit', '--verify']))).toMatchObject([{ ok: true }]);
    expect(await jdbx(['audit', 'run:nope'])).toMatchObject({ code: 1, out: '' });
  });
});

describe('a run that is interrupted', () => {
  it('is left in order, lets others look meanwhile, and goes on by resume', async () => {
    const run = place.start([
      'run',
      'pipeline:wait',
      '--key',
      'w',
      '-i',
      '{"name":"Cy"}',
      '--no-json',
    ]);
    await run.said('✓ greet');
    if (canFollow) {
      expect(await jdbx(['stats', '--json'])).toMatchObject({ code: 0 });
      const running = await jdbx(['runs', '--status', 'running']);
      expect(linesOf(running)).toMatchObject([{ _id: 'run:w' }]);
    }

    run.child.kill('SIGINT');
    const ended = await run.ended;
    expect(ended).toMatchObject({ code: 130, out: '' });
    expect(ended.err).toContain('INTERRUPTED: run:w stopped; `jdbx resume` goes on with it\n');
    expect(linesOf(await jdbx(['runs', '--status', 'running']))).toMatchObject([{ _id: 'run:w' }]);

    await jdbx(['put', '{"_id":"flag","_type":"flag"}']);
    const resumed = await jdbx(['resume']);
    expect(resumed.code).toBe(0);
    expect(linesOf(resumed)).toMatchObject([{ _id: 'run:w', status: 'completed', output: 'seen' }]);
    expect(linesOf(await jdbx(['get', 'greeting:Cy']))).toMatchObject([{ _rev: 1 }]);
    expect(await jdbx(['resume'])).toMatchObject({ code: 0, out: '' });
    expect(linesOf(await jdbx(['check']))).toMatchObject([{ ok: true }]);
  });

  it('while it imports keeps whole commits', async () => {
    const started = place.start(['import', '-', '--format', 'jsonl', '--no-json']);
    const lines = Array.from({ length: 1_500 }, (_, n) => `{"_id":"i:${n}","_type":"item"}\n`);
    started.child.stdin?.write(lines.join(''));
    await started.said('reading the standard input');
    started.child.kill('SIGTERM');
    expect(await started.ended).toMatchObject({ code: 143, out: '' });
    const count = Number((await jdbx(['query', '{"_type":"item"}', '--count'])).out);
    expect([0, 1_000]).toContain(count);
  });
});
