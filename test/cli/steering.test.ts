import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { linesOf, Place } from './support.ts';

const place = new Place();
const jdbx = (args: readonly string[], input?: string) => place.run(args, input);
const json = async (args: readonly string[]) => linesOf(await jdbx(args))[0];

beforeAll(async () => {
  const db = await open(place.store, { workers: 1 });
  await db.put([
    {
      _id: 'transformer:save',
      _type: 'transformer',
      code: "export default ({ n }) => db.put({ _id: 'saved', _type: 'saved', n })",
      permissions: ['db.put:saved'],
    },
    {
      _id: 'pipeline:order',
      _type: 'pipeline',
      stages: [
        { name: 'save', transformer: 'transformer:save', inputs: '$input' },
        { name: 'approve', wait: { answer: { schema: { type: 'boolean' } } } },
        { name: 'paid', wait: { signal: 'paid' } },
      ],
      output: { approved: '$approve', n: '$input.n' },
    },
    {
      _id: 'pipeline:listen',
      _type: 'pipeline',
      stages: [{ name: 'w', wait: { event: 'go', key: 7 } }],
    },
  ]);
  await db.close();
});

afterAll(() => place[Symbol.dispose]());

describe('the commands that steer runs', () => {
  it('list waits, answer them, and send signals', async () => {
    expect(await json(['run', 'pipeline:order', '-i', '{"n": 1}', '--key', 'a'])).toMatchObject({
      id: 'run:a',
      status: 'waiting',
    });
    expect(await json(['waits', '--kind', 'answer'])).toMatchObject({
      run: 'run:a',
      path: 'approve',
    });
    expect(await jdbx(['answer', 'run:a', 'approve', '5'])).toMatchObject({ code: 2 });
    expect(await json(['answer', 'run:a', 'approve', 'true'])).toMatchObject({ status: 'waiting' });
    expect(await json(['signal', 'run:a', 'paid', '{"by": "card"}'])).toMatchObject({
      status: 'completed',
      output: { approved: true, n: 1 },
    });
    expect(await jdbx(['signal', 'run:a', 'paid'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('RUN_ENDED'),
    });
  }, 60_000);

  it('follow a run from its beginning, or from the last event seen', async () => {
    const { out } = await jdbx(['follow', 'run:a']);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ type: 'run-start', run: 'run:a' });
    expect(events.at(-1)).toMatchObject({ type: 'run-end', status: 'completed' });
    const rest = await jdbx(['follow', 'run:a', '--since', String(events.at(-2).n)]);
    expect(JSON.parse(rest.out)).toEqual(events.at(-1));
    expect(await jdbx(['follow', 'run:none'])).toMatchObject({ code: 1 });
  }, 60_000);

  it('fork, replay and undo a run', async () => {
    const patch = '{"input": {"n": 2}, "outputs": {"approve": false}}';
    const fork = ['fork', 'run:a', '--after', 'approve', '--patch', patch, '--key', 'b'];
    expect(await json(fork)).toMatchObject({ id: 'run:b', status: 'waiting' });
    expect(await json(['replay', 'run:a'])).toMatchObject({ same: true });
    expect(await json(['undo', 'run:a', 'save'])).toEqual({ undone: ['saved'], kept: [] });
    expect(await jdbx(['get', 'saved'])).toMatchObject({ code: 1 });
  }, 60_000);

  it('pause, resume and cancel a run, and emit events', async () => {
    expect(await json(['pause', 'run:b'])).toMatchObject({ status: 'paused' });
    expect(await json(['resume', 'run:b'])).toMatchObject({ status: 'waiting' });
    expect(await json(['cancel', 'run:b'])).toMatchObject({ status: 'cancelled' });
    expect(await jdbx(['cancel', 'run:b'])).toMatchObject({ code: 1 });
    expect(await jdbx(['cancel', 'run:none'])).toMatchObject({ code: 1 });
    await jdbx(['run', 'pipeline:listen', '--key', 'c']);
    await jdbx(['emit', 'go', '"now"', '--key', '7']);
    expect(await json(['get', 'run:c'])).toMatchObject({ status: 'completed', output: 'now' });
  }, 60_000);

  it('print the schema by which pipelines are checked', async () => {
    const { out } = await jdbx(['schema', 'pipeline']);
    expect(JSON.parse(out)).toMatchObject({ title: 'JDBX pipeline', required: ['stages'] });
    expect(await jdbx(['schema', 'prompt'])).toMatchObject({ code: 2 });
  }, 60_000);
});
