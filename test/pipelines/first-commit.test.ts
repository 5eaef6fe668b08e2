import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open, type RunEvent } from '#jdbx/index.js';
import { canFollow } from '#jdbx/storage/follower.js';
import { failure, openStore, pipeline, storeFolder, transformer } from './support.js';

const CHILD = fileURLToPath(new URL('./first-commit-child.mjs', import.meta.url));
const LOOP = 'export default () => { for (;;); }';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
  await db.put([
    transformer('echo', 'export default (value) => value'),
    transformer('boom', "export default () => { throw new Error('boom') }"),
    transformer('counts', 'export default () => db.query({ _type: "run" }).count()', {
      permissions: ['db.query:run'],
    }),
    transformer('loops', LOOP, { limits: { timeout_ms: 60_000 } }),
    pipeline('one', [{ name: 'only', transformer: 'transformer:echo' }]),
    pipeline('two', [
      { name: 'first', transformer: 'transformer:echo' },
      { name: 'second', transformer: 'transformer:echo', inputs: { was: '$first' } },
    ]),
    pipeline('fails', [{ name: 'bang', transformer: 'transformer:boom' }]),
    pipeline('counts', [{ name: 'count', transformer: 'transformer:counts' }]),
    pipeline('loops', [{ name: 'loop', transformer: 'transformer:loops' }]),
    pipeline('gives', [{ name: 'only', transformer: 'transformer:echo' }], {
      output: { twice: ['$only', '$only'] },
    }),
    pipeline('cannot', [{ name: 'only', transformer: 'transformer:echo' }], {
      output: { $divide: [1, '$only'] },
    }),
    pipeline('left-out', [
      { name: 'first', transformer: 'transformer:echo' },
      { name: 'second', transformer: 'transformer:boom', when: false },
    ]),
  ]);
  // A process's first run brings its lease along, and so is stored by itself.
  await db.run('pipeline:one');
});

afterAll(() => db.close());

/** The commits that its documents in the audit trail came with. */
async function commitsOf(run: string, db: Jdbx): Promise<[string, number][]> {
  const own = new Map<string, string>();
  for (const { _id, kind } of await db.audit.query({ run })) own.set(_id, kind);
  const commits: [string, number][] = [];
  for await (const { seq, id } of db.watch({ _type: 'audit' }, { since: 0 })) {
    const kind = own.get(id);
    if (kind !== undefined) commits.push([kind, seq]);
    if (commits.length === own.size) break;
  }
  return commits;
}

/** Which kinds share a commit. */
async function shared(run: string, store = db): Promise<string[]> {
  const commits = await commitsOf(run, store);
  const seqs = [...new Set(commits.map(([, seq]) => seq))];
  return seqs.map((seq) => commits.flatMap(([kind, at]) => (at === seq ? [kind] : [])).join(' '));
}

/** The same, where the stage may have taken so long that the run was stored before it. */
async function sharedSoonOrLate(run: string, store = db): Promise<string[]> {
  const [first, ...others] = await shared(run, store);
  return first === 'run-start'
    ? [`${first} ${others[0]}`, ...others.slice(1)]
    : [first ?? '', ...others];
}

describe('a run', () => {
  it('of one stage that sees nothing of the store is one commit', async () => {
    const commits: string[] = [];
    // A machine may be too busy for a stage to end in time, but not always.
    for (let at = 0; at < 50 && commits.at(-1) !== 'run-start stage run-end'; at++) {
      const { id, output } = await db.run('pipeline:one', at);
      expect(output).toBe(at);
      expect(await db.runOf(id)).toMatchObject({ status: 'completed', output: at });
      commits.push(...(await shared(id)));
    }
    expect(commits.at(-1)).toBe('run-start stage run-end');
    expect((await db.check()).problems).toEqual([]);
  });

  it('begins with its first stage’s commit and ends with its last’s', async () => {
    const { id, output } = await db.run('pipeline:two', 7);
    expect(output).toEqual({ was: 7 });
    expect(await sharedSoonOrLate(id)).toEqual(['run-start stage', 'stage run-end']);
  });

  it('ends with what its pipeline says that it gives', async () => {
    const { id, output } = await db.run('pipeline:gives', 3);
    expect(output).toEqual({ twice: [3, 3] });
    expect(await sharedSoonOrLate(id)).toEqual(['run-start stage run-end']);
    const skipped = await db.run('pipeline:left-out', 5);
    expect(skipped.output).toBe(5);
  });

  it('whose output cannot be made fails after its last stage, which is done', async () => {
    const error = await failure(db.run('pipeline:cannot', 'x', { key: 'cannot' }));
    expect(error).toMatchObject({ code: 'RUN_FAILED', details: { code: 'INVALID_EXPRESSION' } });
    expect(await sharedSoonOrLate('run:cannot')).toEqual(['run-start stage', 'run-end']);
  });

  it('is stored when its first stage fails', async () => {
    await failure(db.run('pipeline:fails', 1, { key: 'fails' }));
    expect(await sharedSoonOrLate('run:fails')).toEqual(['run-start stage', 'run-end']);
    expect(await db.runOf('run:fails')).toMatchObject({ status: 'failed' });
  });

  it('is stored before a stage that may look for it', async () => {
    const { id, output } = await db.run('pipeline:counts');
    expect(output).toBe(await db.query({ _type: 'run' }).count());
    expect(await shared(id)).toEqual(['run-start', 'stage run-end']);
  });

  it('is stored before `start` gives its id', async () => {
    const id = await db.start('pipeline:one', 7);
    expect(await db.runOf(id)).toMatchObject({ _id: id });
    expect(await db.ended(id)).toMatchObject({ output: 7 });
  });

  it('of a long first stage is stored by itself, can be followed, and cancelled', async () => {
    const run = db.run('pipeline:loops', 1, { key: 'long' });
    run.catch(() => {});
    const events: RunEvent['type'][] = [];
    for await (const event of run) {
      if (!event.live) events.push(event.type);
      if (event.type === 'run-start') {
        expect(await db.runOf('run:long')).toMatchObject({ status: 'running' });
        expect(await db.cancel('run:long')).toBe(true);
      }
    }
    expect(events).toEqual(['run-start', 'stage-end', 'run-end']);
    expect(await failure(run)).toMatchObject({ code: 'RUN_CANCELLED' });
    expect(await db.runOf('run:long')).toMatchObject({ status: 'cancelled' });
  });

  it('that is paused in its first stage stays, and goes on', async () => {
    await db.put(transformer('slow', LOOP, { limits: { timeout_ms: 60_000 } }));
    await db.put(pipeline('slow', [{ name: 'slow', transformer: 'transformer:slow' }]));
    const started = new Promise((resolve) => db.events.once('stage-start', resolve));
    const run = db.run('pipeline:slow', 1, { key: 'slow' });
    run.catch(() => {});
    await started;
    await db.pause('run:slow');
    expect(await run).toMatchObject({ status: 'paused' });
    expect(await db.runOf('run:slow')).toMatchObject({ status: 'paused' });
    await db.cancel('run:slow');
  });
});

describe('closing the store in a first stage', () => {
  it('keeps the run, which goes on at the next open', async () => {
    const folder = storeFolder();
    try {
      const first = await open(folder.path, { workers: 2, env: {} });
      await first.put([
        transformer('echo', 'export default (value) => value'),
        transformer('once', LOOP, { limits: { timeout_ms: 60_000 } }),
        pipeline('echo', [{ name: 'echo', transformer: 'transformer:echo' }]),
        pipeline('once', [{ name: 'once', transformer: 'transformer:once' }]),
      ]);
      await first.run('pipeline:echo');
      const started = new Promise((resolve) => first.events.once('stage-start', resolve));
      const run = first.run('pipeline:once', 1, { key: 'kept' });
      run.catch(() => {});
      await started;
      await first.close();
      expect(await failure(run)).toMatchObject({ code: 'STORE_CLOSED' });
      const second = await open(folder.path, { workers: 2, env: {}, resume: false });
      expect(await second.runOf('run:kept')).toMatchObject({ status: 'running' });
      await second.cancel('run:kept');
      await second.close();
    } finally {
      folder.remove();
    }
  });
});

describe.skipIf(!canFollow)('two processes', () => {
  it('that begin a run of the same key at once make one', async () => {
    const folder = storeFolder();
    const own = await open(folder.path, { workers: 1, env: {} });
    await own.put([
      transformer('echo', 'export default (value) => value'),
      pipeline('echo', [{ name: 'echo', transformer: 'transformer:echo' }]),
    ]);
    await own.run('pipeline:echo');
    const child = fork(CHILD, [folder.path]);
    const exited = once(child, 'exit');
    try {
      await once(child, 'message');
      for (let at = 0; at < 20; at++) {
        const key = `both-${at}`;
        const told = once(child, 'message');
        child.send({ key });
        // Each of them is sometimes the first.
        if (at % 2 === 1) await new Promise((resolve) => setTimeout(resolve, (at % 5) + 1));
        const { output } = await own.run('pipeline:echo', { by: 'us' }, { key });
        expect((await told)[0]).toEqual({ output });
        expect(await sharedSoonOrLate(`run:${key}`, own)).toEqual(['run-start stage run-end']);
      }
    } finally {
      child.send({});
      await exited;
      await own.close();
      folder.remove();
    }
  });
});
