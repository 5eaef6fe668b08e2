import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeEvent, Document, Jdbx } from '#jdbx/index.js';
import { open } from '#jdbx/index.js';
import { canFollow } from '#jdbx/storage/follower.js';
import { runProcesses } from '../../durability/processes-round.mjs';
import { stopBetweenWrites } from '../../support/stop-between-writes.js';
import { Actor } from './actor.js';

type Numbered = Document & { readonly n: number };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// Each test starts processes, which may take its time on a busy machine.
describe.skipIf(!canFollow)(
  'a store that several processes have open',
  { timeout: 120_000 },
  () => {
    let path: string;
    let db: Jdbx;

    beforeEach(async () => {
      path = mkdtempSync(join(tmpdir(), 'jdbx-processes-'));
      db = await open(path, { workers: 1 });
    });
    afterEach(async () => {
      await db.close();
      rmSync(path, { recursive: true, force: true });
    });

    it('shows each of them what the others were acknowledged, in every way of reading', async () => {
      await using other = await Actor.open(path);
      for (let n = 1; n <= 20; n++) {
        const before = db.snapshot();
        await other.tell('put', { _id: 'a', _type: 'a', n });
        expect(db.seq).toBe(await other.tell('seq'));
        expect(await db.get('a')).toMatchObject({ n, _rev: n });
        expect(await db.query({ _type: 'a' }).toArray()).toMatchObject([{ n }]);
        expect(before.get<Numbered>('a')?.n).toBe(n === 1 ? undefined : n - 1);
        before.close();
        await db.put({ _id: 'b', _type: 'b', n });
        expect(await other.tell('get', 'b')).toMatchObject({ n, _rev: n });
      }
      await other.tell('remove', 'a');
      expect(await db.get('a')).toBeUndefined();
      expect(await db.check()).toMatchObject({ ok: true });
      expect(await other.tell('check')).toMatchObject({ ok: true });
    });

    it('loses no update of two that count at once', async () => {
      await using other = await Actor.open(path);
      await db.put({ _id: 'counter', _type: 'counter', n: 0 });
      const theirs = other.tell('count', 'counter', 150);
      for (let n = 0; n < 150; n++) await db.update('counter', { $inc: { n: 1 } });
      await theirs;
      expect(await db.get('counter')).toMatchObject({ n: 300, _rev: 301 });
      expect(await other.tell('get', 'counter')).toMatchObject({ n: 300, _rev: 301 });
    });

    it('refuses a write that names a revision which another process replaced', async () => {
      await using other = await Actor.open(path);
      const first = await db.put({ _id: 'a', _type: 'a' });
      await other.tell('put', { ...first, n: 1 });
      await expect(db.put({ ...first, n: 2 })).rejects.toMatchObject({ code: 'CONFLICT' });
      let looks = 0;
      await db.transaction(async (transaction) => {
        const seen = await transaction.get<Numbered>('a');
        if (looks++ === 0) await other.tell('update', 'a', { $inc: { n: 10 } });
        await transaction.put({ _id: 'a', _type: 'a', n: (seen?.n ?? 0) + 1 });
      });
      expect(looks).toBe(2);
      expect(await other.tell('get', 'a')).toMatchObject({ n: 12 });
    });

    it('gives a unique key to exactly one of those who want it', async () => {
      await db.put({ _id: 'u', _type: 'index', type: 'claim', key: { value: 1 }, unique: true });
      await using one = await Actor.open(path);
      await using two = await Actor.open(path);
      const values = Array.from({ length: 60 }, (_, at) => at);
      const got = await Promise.all([
        one.tell<number[]>('claim', values),
        two.tell<number[]>('claim', values.toReversed()),
      ]);
      expect(got.flat().sort((a, b) => a - b)).toEqual(values);
      const stored = await db.query<Document & { value: number }>({ _type: 'claim' });
      expect(stored.map(({ value }) => value).sort((a, b) => a - b)).toEqual(values);
      expect(await db.check()).toMatchObject({ ok: true });
    });

    it('takes over indexes, schemas, aliases and versioning that another process defines', async () => {
      await using other = await Actor.open(path);
      const writing = other.tell('count', 'nothing', 1);
      await db.put(Array.from({ length: 50 }, (_, n) => ({ _id: `t:${n}`, _type: 't', g: n % 5 })));
      await other.tell('put', { _id: 'i', _type: 'index', type: 't', key: { g: 1 } });
      await db.put(
        Array.from({ length: 50 }, (_, n) => ({ _id: `t:${n + 50}`, _type: 't', g: n % 5 })),
      );
      await writing;
      expect(await db.query({ _type: 't', g: 3 }).count()).toBe(20);
      expect(JSON.stringify(await db.query({ _type: 't', g: 3 }).explain())).toContain('"i"');
      expect(JSON.stringify(await other.tell('explain', { _type: 't', g: 3 }))).toContain('"i"');

      await other.tell('put', { _id: 'i', _type: 'index', type: 't', key: { g: -1, _id: 1 } });
      await other.tell('put', { _id: 'al', _type: 'alias', type: 'thing', includes: ['t'] });
      await other.tell('put', { _id: 've', _type: 'versioning', type: 't' });
      const schema = { type: 'object', required: ['g'] };
      await other.tell('put', { _id: 'sc', _type: 'schema', type: 't', schema });
      expect(await db.query({ _type: 'thing', g: 3 }).count()).toBe(20);
      await expect(db.put({ _id: 'bad', _type: 't' })).rejects.toThrow('g');
      await db.put({ _id: 't:0', _type: 't', g: 9 });
      expect(await other.tell('history', 't:0')).toMatchObject([{ rev: 2 }]);
      await other.tell('remove', 'i');
      expect(JSON.stringify(await db.query({ _type: 't', g: 3 }).explain())).not.toContain('"i"');
      expect(await db.check()).toMatchObject({ ok: true });
    });

    it('tells a watcher of the commits of all, in order, without gap or double', async () => {
      await db.put({ _id: 'counter', _type: 'counter', n: 0 });
      const since = db.seq;
      await using other = await Actor.open(path);
      const seen: ChangeEvent[] = [];
      const stop = new AbortController();
      const watching = (async () => {
        for await (const event of db.watch({}, { since, signal: stop.signal })) {
          seen.push(event);
          if (seen.length === 200) break;
        }
      })();
      await other.tell('watch', since);
      const theirs = other.tell('count', 'counter', 100);
      for (let n = 0; n < 100; n++) await db.update('counter', { $inc: { n: 1 } });
      await theirs;
      await watching;
      const seqs = Array.from({ length: 200 }, (_, at) => since + 1 + at);
      expect(seen.map(({ seq }) => seq)).toEqual(seqs);
      expect(seen.map(({ rev }) => rev)).toEqual(seqs.map((_, at) => at + 2));
      const far = await other.tell<ChangeEvent[]>('events');
      expect(far.map(({ seq }) => seq)).toEqual(seqs.slice(0, far.length));
    });

    it('lets one that was stopped for long catch up before it writes', async () => {
      const other = await Actor.open(path);
      await db.put({ _id: 'counter', _type: 'counter', n: 0 });
      await other.tell('watch', db.seq);
      await other.tell('count', 'counter', 1);
      const first = db.seq;
      await stopBetweenWrites((signal) => other.signal(signal), db);
      // Enough for the journal to turn more than twice, and for LMDB to take it in.
      for (let n = 1; n <= 30; n++) {
        await db.put({ _id: 'big', _type: 'big', text: 'x'.repeat(700_000) });
        await db.update('counter', { $inc: { n: 1 } });
      }
      await pause(400);
      const theirs = other.tell('count', 'counter', 5);
      other.signal('SIGCONT');
      await theirs;
      expect(await db.get('counter')).toMatchObject({ n: 36, _rev: 37 });
      expect(await other.tell('check')).toMatchObject({ ok: true });
      const last = db.seq;
      let events: ChangeEvent[] = [];
      while ((events.at(-1)?.seq ?? 0) < last) events = await other.tell('events');
      expect(events.map(({ seq }) => seq)).toEqual(
        Array.from({ length: last - first + 1 }, (_, at) => first + at),
      );
      await other[Symbol.asyncDispose]();
    });

    it('keeps the log short for one that stays stopped, which must open the store again', async () => {
      await db.close();
      db = await open(path, { workers: 1, logCommits: 10 });
      await db.put({ _id: 'i', _type: 'index', type: 'a', key: { n: 1 } });
      const other = await Actor.open(path);
      await other.tell('put', { _id: 'x', _type: 'a', n: -1 });
      await other.tell('watch', db.seq);
      expect(await other.tell('find', { _type: 'a', n: -1 })).toHaveLength(1);
      await stopBetweenWrites((signal) => other.signal(signal), db);
      for (let round = 0; round < 26; round++) {
        const puts = Array.from({ length: 1_000 }, (_, n) => ({ _id: `a:${n}`, _type: 'a', n }));
        await Promise.all(puts.map((document) => db.put({ ...document, round })));
      }
      // Enough for the journal to turn more than twice.
      for (let n = 0; n < 30; n++) {
        await db.put({ _id: 'big', _type: 'big', text: 'x'.repeat(700_000) });
      }
      await pause(500);
      await db.put({ _id: 'last', _type: 'a', n: -2 });
      const asked = other
        .tell('find', { _type: 'a', n: -1 })
        .catch((error: Error) => error.message);
      other.signal('SIGCONT');
      expect(await asked).toBe('STORE_BEHIND');
      await expect(other.tell('get', 'last')).rejects.toThrow('STORE_BEHIND');
      await expect(other.tell('put', { _id: 'y', _type: 'a' })).rejects.toThrow('STORE_BEHIND');
      expect(await other.tell('events')).toEqual([{ code: 'STORE_BEHIND' }]);
      expect((await db.stats()).log_start).toBeGreaterThan(db.seq - 25_000);

      await other.tell('close');
      await other.tell('open');
      expect(await other.tell('find', { _type: 'a', n: -2 })).toHaveLength(1);
      expect(await other.tell('check')).toMatchObject({ ok: true });
      expect(await db.check()).toMatchObject({ ok: true });
      await other[Symbol.asyncDispose]();
    });

    it('writes over half a record of one that was killed with the lock in its hands', async () => {
      await using other = await Actor.open(path);
      await db.put({ _id: 'a', _type: 'a' });
      const dying = new Actor(path);
      await dying.tell('dieWriting', 'half', 0.6);
      const writing = db.put({ _id: 'b', _type: 'b' });
      await dying.kill();
      await writing;
      expect(await other.tell('get', 'b')).toBeDefined();
      expect(await other.tell('get', 'half')).toBeUndefined();
      await other.tell('put', { _id: 'c', _type: 'c' });
      expect(await db.get('c')).toBeDefined();
      expect(await db.check()).toMatchObject({ ok: true });
    });

    it('keeps a whole record of one that was killed before it could tell of it', async () => {
      await using other = await Actor.open(path);
      await db.put({ _id: 'a', _type: 'a' });
      const dying = new Actor(path);
      const seq = await dying.tell('dieWriting', 'whole', 1);
      expect(await db.get('whole')).toBeUndefined();
      await dying.kill();
      await db.put({ _id: 'b', _type: 'b' });
      expect(db.seq).toBe((seq as number) + 1);
      expect(await db.get('whole')).toBeDefined();
      expect(await other.tell('get', 'whole')).toBeDefined();
      expect(await db.check()).toMatchObject({ ok: true });
      expect(await other.tell('check')).toMatchObject({ ok: true });
    });

    it('lets several recover it at once after all were killed', async () => {
      const first = await Actor.open(path);
      await first.tell('put', { _id: 'counter', _type: 'counter', n: 0 });
      await db.close();
      await first.tell('count', 'counter', 30);
      await first.kill();
      const actors = [0, 1, 2].map(() => new Actor(path));
      const seqs = await Promise.all(actors.map((actor) => actor.tell('open')));
      await Promise.all(actors.map((actor) => actor.tell('count', 'counter', 10)));
      expect(new Set(seqs).size).toBe(1);
      for (const actor of actors) {
        expect(await actor.tell('get', 'counter')).toMatchObject({ n: 60 });
        await actor.kill();
      }
      db = await open(path);
      expect(await db.get('counter')).toMatchObject({ n: 60, _rev: 61 });
      expect(await db.check()).toMatchObject({ ok: true });
    });

    it('lets several make a new one at once', async () => {
      const fresh = join(path, 'new');
      const actors = [0, 1, 2].map(() => new Actor(fresh));
      await Promise.all(actors.map((actor) => actor.tell('open')));
      for (const [n, actor] of actors.entries()) {
        await actor.tell('put', { _id: `by:${n}`, _type: 'by' });
        expect(await actor.tell('check')).toMatchObject({ ok: true });
      }
      expect(await actors[0]?.tell('find', { _type: 'by' })).toHaveLength(3);
      for (const actor of actors) await actor[Symbol.asyncDispose]();
    });

    it('goes on for the others when one finds no room', async () => {
      await db.put({ _id: 'counter', _type: 'counter', n: 0 });
      await using limited = await Actor.open(path, {}, 3_000);
      await expect(limited.tell('fill')).rejects.toThrow('STORE_FULL');
      await db.update('counter', { $inc: { n: 1 } });
      const written = await db.query({ _type: 'big' }).count();
      expect(written).toBeGreaterThan(0);
      expect(await limited.tell('get', 'counter')).toMatchObject({ n: 1 });
      await db.put({ _id: 'more', _type: 'big', text: 'x'.repeat(5_000_000) });
      expect(await db.check()).toMatchObject({ ok: true });
    });

    it('loses nothing when they come and go while others write', async () => {
      await db.put({ _id: 'counter', _type: 'counter', n: 0 });
      const comers = (async () => {
        for (let round = 0; round < 3; round++) {
          const actor = await Actor.open(path);
          await actor.tell('count', 'counter', 20);
          await actor.tell('close');
          await actor.kill();
        }
      })();
      let own = 0;
      let isOver = false;
      comers.finally(() => {
        isOver = true;
      });
      for (; !isOver; own++) await db.update('counter', { $inc: { n: 1 } });
      await comers;
      expect(await db.get('counter')).toMatchObject({ n: own + 60 });
      expect(db.othersCount).toBe(0);
      expect(await db.check()).toMatchObject({ ok: true });
    });

    it('holds under random work, kills and stops', async () => {
      const directory = join(path, 'random');
      const outcome = await runProcesses({ directory, seconds: 5, processes: 3, seed: 5 });
      expect(outcome.problems).toEqual([]);
      expect(outcome.commits).toBeGreaterThan(0);
    });
  },
);
