import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { compactStore, type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { canFollow, openFollower } from '#jdbx/storage/follower.js';
import { failure, temporaryStore } from './temporary.js';

const CHILD = fileURLToPath(new URL('./compact-child.mjs', import.meta.url));
const FOLLOWER = fileURLToPath(new URL('./follow-child.mjs', import.meta.url));
const COUNT = 1_500;
const KILLS = Number(process.env.JDBX_TEST_KILLS ?? 3);

interface Big {
  readonly _id: string;
  readonly n: number;
}

/** A store most of whose pages are not used any more. */
async function hollow(path: string): Promise<Jdbx> {
  await fill(path);
  const db = await open(path);
  await db.remove({ _type: 'big', n: { $gte: 20 } }, { many: true });
  await db.put({ _id: 'retention:log', _type: 'retention', log: { newest: 1 } });
  await db.retain();
  return db;
}

/** Closed, so that LMDB has taken everything in. */
async function fill(path: string): Promise<void> {
  const db = await open(path);
  for (let from = 0; from < COUNT; from += 500) {
    const documents = Array.from({ length: 500 }, (_, at) => ({
      _id: `big:${from + at}`,
      _type: 'big',
      n: from + at,
      text: 'x'.repeat(2_000),
    }));
    await db.insert(documents);
  }
  await db.close();
}

const leftovers = (path: string) => readdirSync(path).filter((name) => name.includes('compact'));

class Child {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';
  #isOver = false;

  constructor(args: readonly string[], limit?: string) {
    const node = [process.execPath, CHILD, ...args];
    const shell = ['bash', '-c', `${limit}; exec "$@"`, 'bash', ...node];
    const [command = '', ...rest] = limit ? shell : node;
    this.#process = spawn(command, rest, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#process.stdout?.on('data', (chunk) => {
      this.#output += chunk;
    });
    this.#ended = once(this.#process, 'close').finally(() => {
      this.#isOver = true;
    });
  }

  get lines(): string[] {
    return this.#output.split('\n').slice(0, -1);
  }

  async told(line: string): Promise<void> {
    while (!this.lines.includes(line)) {
      if (this.#isOver) throw new Error(`ended after ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async done(): Promise<string[]> {
    await this.#ended;
    return this.lines;
  }

  kill(): Promise<string[]> {
    this.#process.kill('SIGKILL');
    return this.done();
  }
}

// Starts threads and processes, which may take its time on a busy machine.
describe('compacting an open store', { timeout: 120_000 }, () => {
  it('gives unused space back while others of this process read and write', async () => {
    const path = temporaryStore();
    const db = await hollow(path);
    const snapshot = db.snapshot();
    const wrote: Promise<unknown>[] = [];
    const compacting = db.compact();
    for (let n = 0; n < 20; n++) wrote.push(db.put({ _id: `note:${n}`, _type: 'note', n }));
    expect(await db.query({ _type: 'big' }).count()).toBe(20);
    const { before, after } = await compacting;
    expect(after).toBeLessThan(before - 2_000_000);
    await Promise.all(wrote);
    expect(statSync(join(path, 'jdbx.mdb')).size).toBeLessThanOrEqual(after + 2 ** 20);
    expect(snapshot.query<Big>({ _type: 'big' })).toHaveLength(20);
    expect(snapshot.query({ _type: 'note' })).toHaveLength(0);
    snapshot.close();
    expect(await db.query({ _type: 'note' }).count()).toBe(20);
    expect(await db.check()).toMatchObject({ ok: true });
    await db.close();
    await using again = await open(path);
    expect(await again.query({ _type: { $in: ['note', 'big'] } }).count()).toBe(40);
    expect(await again.check()).toMatchObject({ ok: true });
    expect(leftovers(path)).toEqual([]);
  });

  it('can be asked for again and again, by several, and beside backups', async () => {
    const path = temporaryStore();
    await using db = await hollow(path);
    const target = temporaryStore();
    const [first, backup, ...rest] = await Promise.all([
      db.compact(),
      db.backup(target),
      db.compact(),
      db.put({ _id: 'new', _type: 'note' }),
      db.compact(),
    ]);
    expect(first.after).toBeLessThan(first.before);
    expect(rest).toHaveLength(3);
    await using copy = await open(target, { create: false });
    expect(copy.seq).toBe(backup.seq);
    expect(await copy.check()).toMatchObject({ ok: true });
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('keeps revisions, indexes, the log and later changes as they are', async () => {
    const path = temporaryStore();
    const db = await open(path);
    await db.put([
      { _id: 'versioning:prompt', _type: 'versioning', type: 'prompt' },
      { _id: 'index:n', _type: 'index', type: 'prompt', key: { n: 1 }, unique: true },
    ]);
    for (let n = 0; n < 30; n++) await db.put({ _id: 'p', _type: 'prompt', n });
    const seen = async () => ({
      history: await db.history('p'),
      log: (await db.stats()).log_start,
      old: await db.asOf(10).get('p'),
    });
    const before = await seen();
    await db.compact();
    expect(await seen()).toEqual(before);
    expect(await failure(db.insert({ _type: 'prompt', n: 29 }))).toMatchObject({
      code: 'DUPLICATE_KEY',
    });
    await db.put({ _id: 'p', _type: 'prompt', n: 30 });
    expect(await db.history('p')).toHaveLength(31);
    await db.close();
    expect(await failure(db.compact())).toMatchObject({ code: 'STORE_CLOSED' });
  });

  it('is refused where nothing is on disk', async () => {
    await using db = await open(MEMORY);
    expect(await failure(db.compact())).toBeInstanceOf(TypeError);
    await db.put({ _id: 'a', _type: 'note' });
  });

  it.skipIf(!canFollow)(
    'brings followers along, and leaves them the snapshots they hold',
    async () => {
      const path = temporaryStore();
      await using db = await hollow(path);
      const near = await openFollower(path);
      const far = new Worker(FOLLOWER, { workerData: path });
      const heard = async () => ((await once(far, 'message')) as [object])[0];
      const ask = (question: string) => {
        const answer = heard();
        far.postMessage(question);
        return answer;
      };
      await heard();
      const held = near.snapshot();
      await ask('hold');
      for (let n = 100; n < 110; n++) {
        await db.compact();
        await db.put({ _id: 'big:0', _type: 'big', n });
        const snapshot = near.snapshot();
        expect(snapshot.get('big:0')?.document.n).toBe(n);
        snapshot.close();
        expect(await ask('look')).toMatchObject({ seq: db.seq, count: 20 });
      }
      expect(held.get('big:0')?.document.n).toBe(0);
      held.close();
      await near.close();
      await ask('close');
    },
  );

  it.skipIf(!canFollow)('is refused while other processes have the store open', async () => {
    const path = temporaryStore();
    const db = await hollow(path);
    const inode = () => statSync(join(path, 'jdbx.mdb')).ino;
    const before = inode();
    const others = [new Child(['hold', path]), new Child(['hold', path])];
    try {
      for (const other of others) await other.told('open');
      expect(await failure(db.compact())).toMatchObject({
        code: 'STORE_IN_USE',
        message: expect.stringContaining('2 processes'),
        details: { others: 2 },
      });
      expect(inode()).toBe(before);
      expect(leftovers(path)).toEqual([]);
      await others[0]?.kill();
      await db.close();
      expect(await failure(compactStore(path))).toMatchObject({
        code: 'STORE_IN_USE',
        details: { others: 1 },
      });
      expect(inode()).toBe(before);
    } finally {
      for (const other of others) await other.kill();
    }
    await compactStore(path);
    expect(inode()).not.toBe(before);
  });

  it('fails with a code where a copy finds no room, and goes on in the old file', async () => {
    const path = temporaryStore();
    await fill(path);
    const told = await new Child(['withoutRoom', path], 'ulimit -f 2000').done();
    expect(told).toEqual(['STORE_FULL', 'true', '0']);
    await using again = await open(path);
    expect(await again.query({ _type: { $in: ['big', 'note'] } }).count()).toBe(1_501);
    expect(await again.check()).toMatchObject({ ok: true });
  });

  it.each(['thenRemove', 'removeInCopy'])(
    'leaves a file of which most can go at once (%s)',
    async (work) => {
      const path = temporaryStore();
      await fill(path);
      expect(await new Child([work, path]).done()).toEqual(['true', '0']);
    },
  );

  it('loses nothing that was acknowledged when it is killed at any moment', async () => {
    const path = temporaryStore();
    await (await hollow(path)).close();
    let acknowledged = 0;
    for (let round = 0; round < KILLS; round++) {
      const child = new Child(['forever', path, String(acknowledged + 1)]);
      await child.told('compacted');
      await new Promise((resolve) => setTimeout(resolve, (round * 37) % 101));
      const lines = await child.kill();
      const words = lines.filter((line) => line.startsWith('wrote'));
      acknowledged = Number(words.at(-1)?.slice('wrote '.length) ?? acknowledged);
      await using db = await open(path);
      expect(leftovers(path)).toEqual([]);
      expect(await db.check()).toMatchObject({ ok: true, problems: [] });
      const found = await db.query<Big>({ _type: 'doc' }).sort({ n: 1 });
      const all = Array.from({ length: found.length }, (_, at) => at + 1);
      expect(found.map(({ n }) => n)).toEqual(all);
      // One commit may have become durable whose word was not out yet.
      expect([acknowledged, acknowledged + 1]).toContain(found.length);
      expect(await db.query({ _type: 'big' }).count()).toBe(20);
      acknowledged = found.length;
    }
  });
});
