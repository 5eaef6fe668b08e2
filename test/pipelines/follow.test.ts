import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open, type RunEvent } from '#jdbx/index.js';
import { canFollow } from '#jdbx/storage/follower.js';
import { chatChunks } from '../llm/stream-answers.js';
import { eventStream, FaultServer } from '../support/fault-server.js';
import { failure, integration, openStore, pipeline, storeFolder, transformer } from './support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
  await db.put([
    transformer('echo', 'export default (value) => value'),
    transformer('boom', "export default () => { throw new Error('boom') }"),
    pipeline('two', [
      { name: 'one', transformer: 'transformer:echo' },
      { name: 'two', transformer: 'transformer:echo' },
    ]),
    pipeline('fails', [{ name: 'bang', transformer: 'transformer:boom' }]),
  ]);
});

afterAll(() => db.close());

const told = ({ type, path }: { type: string; path?: string }) =>
  path === undefined ? type : `${type} ${path}`;

describe('a run that is asked for', () => {
  it('is awaited for its result, and gone through for what happens in it', async () => {
    const run = db.run('pipeline:two', 7);
    const seen: string[] = [];
    for await (const event of run) seen.push(told(event));
    expect(seen).toEqual([
      'run-start',
      'stage-start one',
      'stage-end one',
      'stage-start two',
      'stage-end two',
      'run-end',
    ]);
    expect((await run).output).toBe(7);
  });

  it('tells a failure as its last event to those who only listen', async () => {
    const events = [];
    for await (const event of db.run('pipeline:fails')) events.push(event);
    expect(events.at(-1)).toMatchObject({
      type: 'run-end',
      status: 'failed',
      error: { code: 'GUEST_ERROR' },
    });
  });

  it('throws where it could not begin', async () => {
    const gone = async () => {
      for await (const _ of db.run('pipeline:none')) expect.unreachable();
    };
    expect(await failure(gone())).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });

  it('tells the pieces of an answer before the end of its stage', async () => {
    const server = await FaultServer.start([eventStream([...chatChunks, '[DONE]'])]);
    try {
      await db.put([
        integration('chat', server.url),
        pipeline('streams', [
          { name: 'ask', integration: 'integration:chat', stream: true, inputs: { prompt: 'hi' } },
        ]),
      ]);
      let text = '';
      const seen: string[] = [];
      for await (const event of db.run('pipeline:streams')) {
        seen.push(told(event));
        if (event.type === 'model-event' && event.event.kind === 'text') text += event.event.text;
      }
      expect(text).toBe('The answer is 42 ✓.');
      expect(seen.lastIndexOf('model-event ask')).toBeLessThan(seen.indexOf('stage-end ask'));
      expect(seen.indexOf('model-event ask')).toBeGreaterThan(seen.indexOf('stage-start ask'));
    } finally {
      await server.close();
    }
  });

  it('numbers what is kept, so that a listener joins again without a gap or a double', async () => {
    const { id } = await db.run('pipeline:two', 1);
    const all: RunEvent[] = [];
    for await (const event of db.follow(id)) all.push(event);
    for (const [at, { n }] of all.slice(0, -1).entries()) {
      const rest: RunEvent[] = [];
      for await (const event of db.follow(id, { since: n, live: true }))
        rest.push(event as RunEvent);
      expect(rest).toEqual(all.slice(at + 1));
    }
  });
});

describe.skipIf(!canFollow)('a run of another process', () => {
  it('is followed at its commits, and joined again after a crash of either', async () => {
    const folder = storeFolder();
    try {
      const job = new URL('./follow-job.mjs', import.meta.url).pathname;
      const start = async () => {
        const child = spawn(process.execPath, [job, folder.path], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const exited = once(child, 'exit');
        await once(child.stdout, 'data');
        return { child, exited };
      };
      const first = await start();
      const seen: RunEvent[] = [];
      const reader = await open(folder.path, { env: {}, resume: false });
      for await (const event of reader.follow('run:slow')) {
        seen.push(event);
        if (event.path === 's2' && event.type === 'stage-end') break;
      }
      first.child.kill('SIGKILL');
      await first.exited;
      await reader.close();
      const second = await start();
      const again = await open(folder.path, { env: {}, resume: false });
      for await (const event of again.follow('run:slow', { since: seen.at(-1)?.n })) {
        seen.push(event);
      }
      await second.exited;
      const ends = seen.filter(({ type }) => type === 'stage-end').map(({ path }) => path);
      expect(ends).toEqual(['s0', 's1', 's2', 's3', 's4', 's5']);
      expect(seen.at(-1)).toMatchObject({ type: 'run-end', status: 'completed' });
      expect(new Set(seen.map(({ n }) => n)).size).toBe(seen.length);
      await again.close();
    } finally {
      folder.remove();
    }
  }, 30_000);
});
