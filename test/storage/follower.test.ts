import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { open as openLmdbFile } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { canFollow, type Follower, openFollower } from '#jdbx/storage/follower.js';
import { failure, temporaryStore } from './temporary.js';

const CHILD = fileURLToPath(new URL('./follow-child.mjs', import.meta.url));

interface Seen {
  readonly open?: boolean;
  readonly seq?: number;
  readonly count?: number;
  readonly sum?: number;
}

/** A follower in another thread or process, which answers questions. */
interface Far {
  ask(question: 'look' | 'hold' | 'close'): Promise<Seen>;
  kill(): Promise<unknown>;
}

async function inThread(path: string): Promise<Far> {
  const worker = new Worker(CHILD, { workerData: path });
  const next = async () => ((await once(worker, 'message')) as [Seen])[0];
  await next();
  return {
    ask: (question) => {
      const answer = next();
      worker.postMessage(question);
      return answer;
    },
    kill: () => worker.terminate(),
  };
}

async function inProcess(path: string): Promise<Far> {
  const child = spawn(process.execPath, [CHILD, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value as string) as Seen;
  await next();
  return {
    ask: (question) => {
      child.stdin.write(`${question}\n`);
      return next();
    },
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

/** Lines of LMDB's reader table, those of dead processes taken out, as the kernel knows them. */
async function readerLines(path: string): Promise<string[]> {
  const root = openLmdbFile({ path: join(path, 'jdbx.mdb'), maxDbs: 8 });
  root.readerCheck();
  const lines = root.readerList().split('\n').slice(1);
  await root.close();
  return lines.filter((line) => line.trim() !== '');
}

/** Four at a time: threads, then a quarter as many processes. */
const FOLLOWERS = Number(process.env.JDBX_TEST_FOLLOWERS ?? 32);

const put = (db: Jdbx, n: number) => db.put({ _id: `doc:${n}`, _type: 'doc', n });

// Starts threads and processes, which may take its time on a busy machine.
describe.skipIf(!canFollow)('a follower', { timeout: 120_000 }, () => {
  let path: string;
  let db: Jdbx;

  beforeEach(async () => {
    path = temporaryStore();
    db = await open(path);
  });
  afterEach(() => db.close());

  it.each([
    ['a thread', inThread],
    ['a process', inProcess],
  ])('sees from %s each commit that was acknowledged before', async (_, start) => {
    await put(db, 1);
    const far = await start(path);
    let sum = 1;
    for (let n = 2; n <= 40; n++) {
      await put(db, n);
      sum += n;
      expect(await far.ask('look')).toEqual({ seq: db.seq, count: n, sum });
      // Time enough to be taken into LMDB, now and then.
      if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 260));
    }
    await far.ask('close');
    await far.kill();
  });

  it('keeps a snapshot as it was while the journal turns and LMDB goes on', async () => {
    const follower = await openFollower(path);
    await put(db, 1);
    const snapshot = follower.snapshot();
    const text = 'x'.repeat(100_000);
    for (let n = 2; n <= 200; n++) await db.put({ _id: `doc:${n}`, _type: 'big', n, text });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const count = (from: Follower) => {
      const fresh = from.snapshot();
      const ids = [...fresh.documents()].filter(({ document }) => document._id.startsWith('doc:'));
      fresh.close();
      return ids.length;
    };
    expect(follower.isBehind).toBe(true);
    expect(count(follower)).toBe(200);
    expect(follower.isBehind).toBe(false);
    expect(snapshot.get('doc:1')?.document).toMatchObject({ n: 1 });
    expect(snapshot.get('doc:2')).toBeUndefined();
    snapshot.close();
    await follower.close();
    expect(() => follower.snapshot()).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }));
  });

  it('reads what a killed writer left, with no writer there', async () => {
    await db.close();
    const script = `
      const { open } = await import(${JSON.stringify(import.meta.resolve('#jdbx/index.js'))});
      const db = await open(${JSON.stringify(path)});
      for (let n = 1; n <= 20; n++) await db.put({ _id: 'doc:' + n, _type: 'doc', n });
      console.log(db.seq);
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    let seq = '';
    child.stdout.on('data', (data) => {
      seq += data;
    });
    await once(child, 'close');
    const follower = await openFollower(path);
    const snapshot = follower.snapshot();
    expect(snapshot.seq).toBe(Number(seq));
    expect(snapshot.get('doc:20')?.document).toMatchObject({ n: 20 });
    snapshot.close();
    await follower.close();
    db = await open(path);
    expect(db.seq).toBe(Number(seq));
  });

  it('is refused where there is no store', async () => {
    const missing = temporaryStore();
    expect(await failure(openFollower(missing))).toMatchObject({ code: 'STORE_MISSING' });
  });

  it('leaves no line in the reader table, whether it was closed, ended or killed', async () => {
    await put(db, 1);
    const before = (await readerLines(path)).length;
    for (let round = 0; round < FOLLOWERS / 4; round++) {
      const threads = await Promise.all([0, 1, 2, 3].map(() => inThread(path)));
      await Promise.all(threads.map((far) => far.ask('hold')));
      await Promise.all(threads.map((far) => far.kill()));
    }
    for (let round = 0; round < FOLLOWERS / 16; round++) {
      const processes = await Promise.all([0, 1, 2, 3].map(() => inProcess(path)));
      await Promise.all(processes.map((far) => far.ask('hold')));
      await Promise.all(processes.map((far) => far.kill()));
    }
    const follower = await openFollower(path);
    follower.snapshot();
    await follower.close();
    expect((await readerLines(path)).length).toBeLessThanOrEqual(before + 1);
    await put(db, 2);
    expect(db.othersCount).toBe(0);
  });
});
