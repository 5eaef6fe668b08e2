import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { temporaryFolder, temporaryStore } from '../storage/temporary.js';
import { shimIn } from './disk-shim.mjs';

/**
 * A disk that fails: the system calls of a child process are made to fail by a preloaded
 * library, and a real disk is filled up. What failed says so, what was acknowledged stays.
 */
const CHILD = fileURLToPath(new URL('./fault-child.mjs', import.meta.url));
const shim = shimIn(temporaryFolder());
if (shim.skipped) console.warn(`faults of the disk are not tested: ${shim.skipped}`);

interface Facts {
  readonly acknowledged: readonly number[];
  readonly first: string | null;
  readonly later: readonly string[];
  readonly read: number;
  readonly closed: string;
}

function run(store: string, env: object, size = '100'): Facts {
  const child = spawnSync(process.execPath, [CHILD, store, size], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (child.stdout === '') throw new Error(`the child said nothing: ${child.stderr}`);
  return JSON.parse(child.stdout) as Facts;
}

async function expectWhole(store: string, facts: Facts): Promise<void> {
  const db = await open(store, { create: false });
  const found = new Set((await db.query({ _type: 'note' })).map(({ _id }) => _id));
  for (const n of facts.acknowledged) expect(found.has(`n${n}`)).toBe(true);
  for (const [n, outcome] of facts.later.entries()) {
    expect(found.has(`later${n}`)).toBe(outcome === 'ok');
  }
  expect(await db.check()).toMatchObject({ ok: true, problems: [] });
  await db.put({ _id: 'after', _type: 'note' });
  await db.close();
}

describe.skipIf(shim.skipped !== undefined)('a disk that fails', { timeout: 120_000 }, () => {
  const EIO = 5;
  const ENOSPC = 28;
  const failing = async (rule: string): Promise<[Facts, string]> => {
    const store = temporaryStore();
    await (await open(store)).close();
    const env = {
      LD_PRELOAD: shim.library,
      JDBX_SHIM_DIR: `${store}/`,
      JDBX_SHIM_FAIL: rule,
    };
    return [run(store, env), store];
  };

  it('to flush the journal ends writing until the store is opened again', async () => {
    const [facts, store] = await failing(`flush:journal:${EIO}:12:1`);
    expect(facts.first).toBe('STORE_IO');
    expect(facts.acknowledged.length).toBeGreaterThan(5);
    expect(facts.later).toEqual(['STORE_IO', 'STORE_IO', 'STORE_IO']);
    expect(facts.read).toBe(0);
    await expectWhole(store, facts);
  });

  it('to write the journal once fails that write alone', async () => {
    const [facts, store] = await failing(`write:journal:${EIO}:12:1`);
    expect(facts).toMatchObject({ first: 'STORE_IO', later: ['ok', 'ok', 'ok'], closed: 'ok' });
    await expectWhole(store, facts);
  });

  it('with no room for the journal says so', async () => {
    const [facts, store] = await failing(`write:journal:${ENOSPC}:12:1000`);
    expect(facts).toMatchObject({
      first: 'STORE_FULL',
      later: ['STORE_FULL', 'STORE_FULL', 'STORE_FULL'],
    });
    await expectWhole(store, facts);
  });

  it.each(['flush', 'write'])(
    'to %s what LMDB takes in keeps everything in the journal, and tries again',
    async (call) => {
      const [facts, store] = await failing(`${call}:jdbx.mdb:${EIO}:4:2`);
      expect(facts).toMatchObject({ first: null, later: ['ok', 'ok', 'ok'] });
      expect(facts.acknowledged.length).toBe(160);
      await expectWhole(store, facts);
    },
    60_000,
  );

  it('to take in at all tells when the store is closed, and loses nothing', async () => {
    const [facts, store] = await failing(`flush:jdbx.mdb:${EIO}:3:100000`);
    expect(facts).toMatchObject({ first: null, closed: 'STORE_IO' });
    await expectWhole(store, facts);
  });
});

describe('a disk that is full', () => {
  const mounted = temporaryFolder();
  const isMounted = mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', mounted);
  if (!isMounted) console.warn('a full disk is not tested: no file system can be mounted here');
  afterAll(() => {
    if (isMounted) execFileSync('umount', [mounted]);
  });

  it.skipIf(!isMounted)('refuses what does not fit, and keeps what did', async () => {
    const store = join(mounted, 'store');
    mkdirSync(store);
    const facts = run(store, {}, '30000');
    expect(facts.first).toBe('STORE_FULL');
    expect(facts.acknowledged.length).toBeGreaterThan(3);
    expect(facts.read).toBe(0);
    const db = await open(store, { create: false });
    const found = new Set((await db.query({ _type: 'note' })).map(({ _id }) => _id));
    for (const n of facts.acknowledged) expect(found.has(`n${n}`)).toBe(true);
    expect(await db.check()).toMatchObject({ ok: true });
    await db.close();
  });
});

describe('a file system that may not be written', () => {
  const mounted = temporaryFolder();
  const store = join(mounted, 'store');
  it('is told of', async (test) => {
    const db = await open(store);
    await db.put({ _id: 'a', _type: 'note' });
    await db.close();
    if (!mount('--bind', mounted, mounted)) test.skip('no file system can be mounted here');
    try {
      execFileSync('mount', ['-o', 'remount,bind,ro', mounted]);
      await expect(open(store)).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
      await expect(open(join(mounted, 'new'))).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    } finally {
      execFileSync('umount', [mounted]);
    }
    const again = await open(store, { create: false });
    expect(await again.get('a')).toBeDefined();
    await again.close();
  });

  it('is told of to a user without rights', async (test) => {
    if (process.getuid?.() !== 0) test.skip('only root can give up its rights');
    const code = `process.setuid(65534); const { open } = await import('#jdbx/index.js');
      await open(process.argv[1]).catch((error) => process.stdout.write(error.code));`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', code, store], {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    });
    expect(child.stdout).toBe('STORE_READ_ONLY');
  });
});

function mount(...args: readonly string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}
