import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { open as openRaw } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { isJdbxError, open } from '#jdbx/index.js';
import { Bodies } from '#jdbx/storage/bodies/bodies.js';
import { encodeNamed } from '#jdbx/storage/codec.js';
import { openLmdb } from '#jdbx/storage/lmdb/engine.js';
import { type FileMeta, newestMeta } from '#jdbx/storage/lmdb/file-meta.js';
import { pagesInUse } from '#jdbx/storage/lmdb/file-pages.js';
import { batch, commit, put, remove } from '../suites/engine.js';
import { Child } from './processes.js';
import { failure, temporaryFolder, temporaryStore } from './temporary.js';

describe('opening again', () => {
  it('finds documents, history, log, names and seq', async () => {
    const path = temporaryStore();
    const first = await openLmdb(path);
    await first.commit(batch([commit(1, put(1, { _id: 'a' }, true)), commit(2)], { x: 1 }, 2));
    await first.close();
    const second = await openLmdb(path);
    expect(second.seq).toBe(2);
    const snapshot = second.snapshot();
    expect(snapshot.get('a')?.ref).toBe(1);
    expect(snapshot.lastRevision('a')).toBe(1);
    expect(snapshot.logStart()).toBe(2);
    expect(snapshot.named('x')).toBe(1);
    snapshot.close();
    await second.commit(batch([commit(3, remove(1, 'a'))], {}, 3));
    await second.close();
    const third = await openLmdb(path);
    expect(third.snapshot().get('a')).toBeUndefined();
    await third.close();
  });
});

describe('a store that is in use', () => {
  it('is refused to this process, by another way to the same place too', async () => {
    const path = temporaryStore();
    const db = await open(path);
    const link = join(temporaryFolder(), 'link');
    symlinkSync(path, link);
    for (const way of [path, join(path, '..', 'store'), link]) {
      await expect(open(way)).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    }
    await db.put({ _id: 'a', _type: 'a' });
    await db.close();
    await (await open(link)).close();
  });

  it('is refused after reads and commits have come and gone', async () => {
    const path = temporaryStore();
    const engine = await openLmdb(path);
    for (let seq = 1; seq <= 3; seq++) {
      const snapshot = engine.snapshot();
      await engine.commit(batch([commit(seq, put(1, { _id: 'a' }))]));
      snapshot.close();
      await new Promise((resolve) => setTimeout(resolve, 5));
      await expect(openLmdb(path)).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    }
    await engine.close();
  });

  it('is refused to another thread of this process, which does no harm', async () => {
    const path = temporaryStore();
    const db = await open(path);
    const index = import.meta.resolve('#jdbx/index.js');
    const code = `
      import { parentPort } from 'node:worker_threads';
      const { open } = await import(${JSON.stringify(index)});
      await open(${JSON.stringify(path)}).catch((error) => parentPort.postMessage(error.code));`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    const answer = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    expect(answer).toBe('STORE_IN_USE');
    await db.put({ _id: 'a', _type: 'a' });
    expect(await db.get('a')).toBeDefined();
    await db.close();
  });

  it('is refused between processes when one of them has no native part, until it is closed', async () => {
    const path = temporaryStore();
    const db = await open(path);
    const portable = { JDBX_NATIVE: '0' };
    expect(await new Child(['attempt', path], { env: portable }).done()).toEqual(['STORE_IN_USE']);
    await db.put({ _id: 'a', _type: 'a' });
    await db.close();
    expect(await new Child(['attempt', path], { env: portable }).done()).toEqual(['opened']);
    const other = new Child(['hold', path], { env: portable });
    await other.told(1);
    expect(await failure(open(path))).toMatchObject({ code: 'STORE_IN_USE' });
    await other.kill();
    await (await open(path)).close();
  });
});

describe('a path that holds no store of ours', () => {
  const withFile = (content: string | Uint8Array): string => {
    const path = temporaryStore();
    mkdirSync(path);
    writeFileSync(join(path, 'jdbx.mdb'), content);
    return path;
  };

  it.each([
    ['a text', 'hello\n'.repeat(2_000)],
    ['a short text', 'x'],
    ['noise', Uint8Array.from({ length: 20_000 }, (_, at) => (at * 7_919 + (at >> 3)) % 256)],
  ])('is refused: %s', async (_, content) => {
    const path = withFile(content);
    await expect(open(path)).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
    expect(readFileSync(join(path, 'jdbx.mdb'))).toEqual(Buffer.from(content));
  });

  it('is refused: another file of LMDB, which stays as it was', async () => {
    for (const name of ['theirs', 'documents']) {
      const path = temporaryStore();
      const root = openRaw({ path: join(path, 'jdbx.mdb'), maxDbs: 4 });
      await root.openDB({ name }).put('key', 'value');
      await root.close();
      await expect(open(path)).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
      const again = openRaw({ path: join(path, 'jdbx.mdb'), maxDbs: 4 });
      expect(again.openDB({ name }).get('key')).toBe('value');
      await again.close();
    }
  });

  it('is refused: a file where the directory should be', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'x');
    await expect(open(path)).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
    await expect(open(join(path, 'below'))).rejects.toSatisfy((error) => isJdbxError(error));
  });

  it('may be an empty file: that becomes a store', async () => {
    await (await open(withFile(''))).close();
  });
});

describe('a file that is shorter than its last page', () => {
  it('is a sound store when only free pages are missing', async () => {
    const path = temporaryStore();
    const file = join(path, 'jdbx.mdb');
    const engine = await openLmdb(path);
    const commits = Array.from({ length: 300 }, (_, at) =>
      commit(at + 1, put(at + 1, { _id: `a${at}` })),
    );
    await engine.commit(batch(commits));
    // So many log records that go at once leave pages at the end that nobody writes.
    await engine.commit(batch([commit(301)], {}, 290));
    await engine.close();
    expect(statSync(file).size).toBeLessThan(lengthByMeta(file));
    const again = await openLmdb(path);
    const snapshot = again.snapshot();
    expect([...snapshot.documents()]).toHaveLength(300);
    snapshot.close();
    await again.close();
    truncateSync(file, statSync(file).size - 4_096);
    await expect(openLmdb(path)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('is judged by the very pages that LMDB itself counts', async () => {
    const path = temporaryStore();
    const engine = await openLmdb(path);
    for (let seq = 1; seq <= 60; seq++) {
      const changes = Array.from({ length: 20 }, (_, at) => {
        const n = (seq * 31 + at * 17) % 300;
        const text = 'x'.repeat(n % 7 === 0 ? 9_000 : n);
        return n % 5 === 0
          ? remove(n, `a${n}`)
          : put(n, { _id: `a${n}`, _rev: seq, text }, n % 3 === 0);
      });
      await engine.commit(batch([commit(seq, ...changes)], {}, seq - 20));
    }
    await engine.close();
    const descriptor = openSync(join(path, 'jdbx.mdb'), 'r');
    const meta = newestMeta(descriptor) as FileMeta;
    const runs = [...pagesInUse(descriptor, meta)];
    closeSync(descriptor);
    const pages = runs.flatMap(({ page, count }) =>
      Array.from({ length: count }, (_, at) => page + at),
    );
    expect(new Set(pages).size).toBe(pages.length);
    expect(pages.length).toBe(await usedByStats(join(path, 'jdbx.mdb')));
  });

  function lengthByMeta(file: string): number {
    const descriptor = openSync(file, 'r');
    const { lastPage, pageSize } = newestMeta(descriptor) as FileMeta;
    closeSync(descriptor);
    return (lastPage + 1) * pageSize;
  }

  async function usedByStats(path: string): Promise<number> {
    type Stats = Record<'treeBranchPageCount' | 'treeLeafPageCount' | 'overflowPages', number>;
    const root = openRaw({ path, maxDbs: 8, encoding: 'binary', keyEncoding: 'binary' });
    const stats = root.getStats() as { root: Stats; free: Stats };
    const tables = ['documents', 'revisions', 'log', 'past', 'shapes', 'names'].map(
      (name) => root.openDB({ name }).getStats() as Stats,
    );
    await root.close();
    return [stats.root, stats.free, ...tables].reduce(
      (sum, each) => sum + each.treeBranchPageCount + each.treeLeafPageCount + each.overflowPages,
      0,
    );
  }
});

describe('a damaged or newer store', () => {
  const filled = async (): Promise<string> => {
    const path = temporaryStore();
    const db = await open(path);
    await db.put({ _id: 'a', _type: 'a', text: 'x'.repeat(100_000) });
    await db.close();
    return path;
  };

  it('is refused when its file was cut short', async () => {
    const path = await filled();
    const file = join(path, 'jdbx.mdb');
    const { size } = statSync(file);
    for (const left of [size - 4_096, Math.floor(size / 2), 8_192, 4_096]) {
      truncateSync(file, left);
      await expect(open(path)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    }
  });

  it('is refused when a newer format wrote it', async () => {
    const path = await filled();
    const root = openRaw({
      path: join(path, 'jdbx.mdb'),
      maxDbs: 8,
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    const names = root.openDB<Uint8Array, Uint8Array>({
      name: 'names',
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    await names.put(Buffer.from('format'), encodeNamed(99));
    await root.close();
    await expect(open(path)).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
  });

  it('fails with a code when a document in it is not what it should be', async () => {
    const path = await filled();
    const root = openRaw({
      path: join(path, 'jdbx.mdb'),
      maxDbs: 8,
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    const options = { name: 'documents', encoding: 'binary', keyEncoding: 'binary' } as const;
    const documents = root.openDB<Uint8Array, Uint8Array>(options);
    for (const bytes of [[0xc1], [1], [0x93, 1, 2]]) {
      expect(() => new Bodies().decode('a', Buffer.from(bytes))).toThrow(
        expect.objectContaining({ code: 'STORE_CORRUPT' }),
      );
    }
    await documents.put(Buffer.from('a'), Buffer.from([0xc1]));
    await root.close();
    await expect(open(path)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});

describe('a store without room', () => {
  it('refuses with a code what a limit on file sizes cuts off, and keeps the rest', async () => {
    const path = temporaryStore();
    await (await open(path)).close();
    const lines = await new Child(['fill', path], { fileSizeMaxKiB: 2_000 }).done();
    const [written, code] = (lines[0] ?? '').split(' ');
    expect(code).toBe('STORE_FULL');
    expect(lines[1]).toBe(JSON.stringify({ ok: true, problems: [] }));
    expect(lines[2]).toMatch(/^(3 fit|\d STORE_FULL)$/);
    const db = await open(path);
    expect(await db.query({ _type: 'big' }).count()).toBe(Number(written));
    expect(await db.check()).toMatchObject({ ok: true });
    await db.put({ _id: 'more', _type: 'big', text: 'x'.repeat(100_000) });
    await db.close();
    expect(existsSync(join(path, 'jdbx.mdb-trial'))).toBe(false);
  });

  it('refuses with a code what a full disk cannot take, and keeps the rest', async ({ skip }) => {
    const disk = temporaryFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=28m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      skip('a small file system cannot be mounted here');
    }
    try {
      const path = join(disk, 'store');
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(21_000_000));
      const lines = await new Child(['fill', path]).done();
      const [written, code] = (lines[0] ?? '').split(' ');
      expect(code).toBe('STORE_FULL');
      expect(lines[1]).toBe(JSON.stringify({ ok: true, problems: [] }));
      // It opens although there is no room for anything, as often as one likes.
      for (let round = 0; round < 2; round++) {
        const db = await open(path);
        expect(await db.query({ _type: 'big' }).count()).toBe(Number(written));
        expect(await db.check()).toMatchObject({ ok: true });
        await db.close().catch((error) => expect(error).toMatchObject({ code: 'STORE_FULL' }));
      }
      rmSync(ballast);
      const db = await open(path);
      expect(await db.remove({ _type: 'big' }, { many: true })).toEqual({
        removed: Number(written),
      });
      await db.put({ _id: 'after', _type: 'after' });
      await db.close();
      const again = await open(path);
      expect(await again.query({ _type: { $in: ['big', 'after'] } })).toHaveLength(1);
      expect(await again.check()).toMatchObject({ ok: true });
      await again.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('stays near the size that it was given, and lives again by removing', async () => {
    const path = temporaryStore();
    const sizeMaxBytes = 6_000_000;
    const db = await open(path, { sizeMaxBytes, logCommits: 1 });
    const fill = async (): Promise<number> => {
      for (let at = 0; ; at++) {
        try {
          await db.put({ _id: `big:${at}`, _type: 'big', text: 'x'.repeat(20_000) });
        } catch (error) {
          expect(error).toMatchObject({ code: 'STORE_FULL' });
          return at;
        }
      }
    };
    const first = await fill();
    expect(first).toBeGreaterThan(50);
    expect(await db.check()).toMatchObject({ ok: true });
    await db.remove({ _type: 'big' }, { many: true });
    await db.remove('alias:session');
    // Large values need free pages side by side, so little of the room serves again at once.
    expect(await fill()).toBeGreaterThan(first / 10);
    expect(db.sizeBytes).toBeLessThan(sizeMaxBytes * 1.2);
    expect(await db.check()).toMatchObject({ ok: true });
    await db.close();
  });
});
