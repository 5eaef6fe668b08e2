import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compactStore, type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { failure, temporaryFolder, temporaryStore } from './temporary.js';

const CHILD = fileURLToPath(new URL('./upkeep-child.mjs', import.meta.url));

async function fill(path: string, count: number): Promise<void> {
  const db = await open(path);
  for (let from = 0; from < count; from += 500) {
    const documents = Array.from({ length: 500 }, (_, at) => ({
      _id: `big:${from + at}`,
      _type: 'big',
      text: 'x'.repeat(2_000),
    }));
    await db.insert(documents);
  }
  await db.close();
}

/** Runs work in a process of its own and kills it after a while. @returns whether it was done by then */
async function killAfter(delayMs: number, args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const begun = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      resolve();
    });
  });
  const closed = once(child, 'close');
  await Promise.race([begun, closed]);
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  child.kill('SIGKILL');
  await closed;
  return output.includes('end');
}

/** Each starts a process after the other. */
const TIMEOUT_MS = 120_000;

describe('a backup', { timeout: TIMEOUT_MS }, () => {
  it('is a store of its own that equals one commit, taken while others write', async () => {
    const path = temporaryStore();
    await fill(path, 2_000);
    const target = temporaryStore();
    const db = await open(path);
    await db.put({ _id: 'left', _type: 'pair', n: 0 });
    let over = false;
    let n = 0;
    const writing = (async () => {
      while (!over) {
        n++;
        await db.put([
          { _id: 'left', _type: 'pair', n },
          { _id: 'right', _type: 'pair', n },
        ]);
      }
    })();
    const { seq: before } = db;
    const progress: number[] = [];
    const { seq, bytes } = await db.backup(target, {
      onProgress: (each) => progress.push(each.bytes / each.totalBytes),
    });
    over = true;
    await writing;
    expect(seq).toBeGreaterThanOrEqual(before);
    expect(progress.every((share) => share >= 0 && share <= 1)).toBe(true);
    expect(readdirSync(target)).toEqual(['jdbx.mdb']);
    expect(statSync(join(target, 'jdbx.mdb')).size).toBe(bytes);
    const log = await commitsOf(db, seq);
    await db.close();
    const copy = await open(target, { create: false });
    expect(copy.seq).toBe(seq);
    expect(await copy.check()).toMatchObject({ ok: true });
    expect((await copy.get('left'))?.n).toBe((await copy.get('right'))?.n ?? 0);
    expect((await copy.get('left'))?._rev).toBe(log);
    await copy.put({ _id: 'own', _type: 'life' });
    await copy.close();
  });

  it('refuses a place that is not empty, and a store in memory', async () => {
    const path = temporaryStore();
    const db = await open(path);
    const full = temporaryFolder();
    writeFileSync(join(full, 'note'), '');
    const refused = { code: 'BACKUP_TARGET' };
    expect(await failure(db.backup(full))).toMatchObject(refused);
    expect(await failure(db.backup(path))).toMatchObject(refused);
    expect(await failure(db.backup(join(full, 'note')))).toMatchObject(refused);
    expect(await failure(db.backup(join(full, 'note', 'below')))).toMatchObject(refused);
    expect(readdirSync(full)).toEqual(['note']);
    expect(await failure(db.backup(''))).toBeInstanceOf(TypeError);
    await db.close();
    expect(await failure(db.backup(temporaryStore()))).toMatchObject({ code: 'STORE_CLOSED' });
    const memory = await open(MEMORY);
    expect(await failure(memory.backup(temporaryStore()))).toBeInstanceOf(TypeError);
    await memory.close();
  });

  it('leaves nothing when it is stopped', async () => {
    const path = temporaryStore();
    await fill(path, 500);
    const db = await open(path);
    const reason = new Error('enough');
    const empty = join(temporaryFolder(), 'empty');
    mkdirSync(empty);
    for (const target of [empty, temporaryStore()]) {
      const stop = new AbortController();
      const backup = db.backup(target, { signal: stop.signal });
      stop.abort(reason);
      expect(await failure(backup)).toBe(reason);
    }
    expect(readdirSync(empty)).toEqual([]);
    const { seq } = await db.backup(empty);
    expect(seq).toBe(db.seq);
    await db.close();
  });

  it('that was killed is no store, and its place can be used again', async () => {
    const path = temporaryStore();
    await fill(path, 1_500);
    for (const delay of [0, 2, 5, 9, 14, 30]) {
      const target = temporaryStore();
      const done = await killAfter(delay, ['backup', path, target]);
      if (existsSync(join(target, 'jdbx.mdb'))) {
        const copy = await open(target, { create: false });
        expect(await copy.check()).toMatchObject({ ok: true });
        await copy.close();
        continue;
      }
      expect(done).toBe(false);
      expect(await failure(open(target, { create: false }))).toMatchObject({
        code: 'STORE_MISSING',
      });
      const db = await open(path);
      await db.backup(target);
      await db.close();
      expect(readdirSync(target)).toEqual(['jdbx.mdb']);
    }
  });
});

describe('compacting', { timeout: TIMEOUT_MS }, () => {
  const shrink = async (path: string) => {
    const db = await open(path);
    await db.remove({ _type: 'big', _id: { $gt: 'big:1' } }, { many: true });
    await db.put({ _id: 'retention:log', _type: 'retention', log: { newest: 1 } });
    await db.retain();
    await db.close();
  };

  it('gives unused space back and changes nothing else', async () => {
    const path = temporaryStore();
    await fill(path, 1_500);
    await shrink(path);
    const { before, after } = await compactStore(path);
    expect(after).toBeLessThan(before / 2);
    const db = await open(path);
    expect(await db.check()).toMatchObject({ ok: true });
    expect(await db.query({ _type: 'big' }).count()).toBe(2);
    expect(await failure(compactStore(path))).toMatchObject({ code: 'STORE_IN_USE' });
    await db.put({ _id: 'new', _type: 'note' });
    await db.close();
    expect((await compactStore(path)).after).toBeLessThanOrEqual(after + 2 ** 20);
    expect(readdirSync(path).filter((name) => name.includes('compact'))).toEqual([]);
    expect(await failure(compactStore(temporaryStore()))).toMatchObject({ code: 'STORE_MISSING' });
  });

  it('survives a kill at any moment', async () => {
    const path = temporaryStore();
    await fill(path, 1_500);
    for (let delay = 0; delay < 30; delay += 5) {
      await killAfter(delay, ['compact', path]);
      const db = await open(path);
      expect(await db.query({ _type: 'big' }).count()).toBe(1_500);
      await db.put({ _id: 'delay', _type: 'note', delay });
      expect(await db.get('delay')).toMatchObject({ delay });
      await db.close();
    }
    const db = await open(path);
    expect(await db.check()).toMatchObject({ ok: true });
    await db.close();
  });
});

/** The revision of `left` after commit `seq`, by the change log. */
async function commitsOf(db: Jdbx, seq: number): Promise<number> {
  let rev = 0;
  for await (const change of db.watch({ _id: 'left' }, { since: 0 })) {
    if (change.seq > seq) break;
    rev = change.rev;
    if (change.seq === seq) break;
    if ((await db.get('left'))?._rev === rev) break;
  }
  return rev;
}
