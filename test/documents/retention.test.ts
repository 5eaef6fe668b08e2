import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditId } from '#jdbx/history/audit-chain.js';
import { type Jdbx, type NewDocument, open } from '#jdbx/index.js';
import { failure, temporaryStore } from '../storage/temporary.js';

const START = Date.parse('2030-01-01T00:00:00Z');
const HOUR = 3_600_000;
let now = START;
const clock = { now: () => now };
let db: Jdbx;
let path: string;

beforeEach(async () => {
  now = START;
  path = temporaryStore();
  db = await open(path, { clock, retentionIntervalMs: 0 });
});
afterEach(() => db.close());

async function reopen(options = {}): Promise<void> {
  await db.close();
  db = await open(path, { clock, retentionIntervalMs: 0, ...options });
}

const retain = (fields: object) =>
  db.put({ _id: 'retention:x', _type: 'retention', ...fields } as NewDocument);
const ids = async (type: string) =>
  (await db.query({ _type: type }).sort({ _id: 1 })).map(({ _id }) => _id);
const notes = (count: number, fields: (n: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, n) => ({
    _id: `n${String(n).padStart(4, '0')}`,
    _type: 'note',
    n,
    ...fields(n),
  })) as NewDocument[];

describe('documents that expire', () => {
  it('go when their commit is older than the age, also after their log records went', async () => {
    await reopen({ logCommits: 3 });
    await retain({ type: 'note', documents: { age_seconds: 3_600 } });
    await db.insert(notes(3));
    now += 2 * HOUR;
    for (let n = 0; n < 10; n++) await db.put({ _id: `young${n}`, _type: 'note' });
    await reopen({ logCommits: 3 });
    expect(await db.retain()).toMatchObject({ done: true, documents: 3 });
    expect((await ids('note')).length).toBe(10);
    expect(await db.retain()).toMatchObject({ documents: 0 });
  });

  it('go by a field that tells a date, as a date, as text, or as several', async () => {
    const at = new Date(START - HOUR);
    await db.insert([
      { _id: 'date', _type: 'note', at },
      { _id: 'text', _type: 'note', at: at.toISOString() },
      { _id: 'several', _type: 'note', at: [new Date(START), at] },
      { _id: 'young', _type: 'note', at: new Date(START) },
      { _id: 'none', _type: 'note' },
      { _id: 'number', _type: 'note', at: 1 },
      { _id: 'other', _type: 'other', at },
    ]);
    const bounds = { age_seconds: 60, field: 'at' };
    await retain({ type: 'note', documents: { ...bounds, where: { _id: { $ne: 'text' } } } });
    await db.retain();
    expect(await ids('note')).toEqual(['none', 'number', 'text', 'young']);
    await retain({ type: 'note', documents: bounds });
    await db.retain();
    expect(await ids('note')).toEqual(['none', 'number', 'young']);
    expect(await ids('other')).toEqual(['other']);
  });

  it('go beyond the newest so many, in all or for each value of a field', async () => {
    await db.insert(notes(900, (n) => ({ session: n % 7, at: new Date(START - n) })));
    const per = { newest: 3, per: 'session', field: 'at' };
    await retain({ type: 'note', documents: per });
    expect(await db.retain({ dryRun: true })).toMatchObject({ documents: 900 - 21 });
    expect(await db.query({ _type: 'note' }).count()).toBe(900);
    expect(await db.retain()).toMatchObject({ documents: 900 - 21 });
    expect(
      (await db.query({ _type: 'note' })).map(({ n }) => Number(n)).sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 21 }, (_, n) => n));
    await retain({ type: 'note', documents: { newest: 5 } });
    await db.put({ _id: 'n0009', _type: 'note' });
    await db.retain();
    const left = await ids('note');
    expect(left.length).toBe(5);
    expect(left).toContain('n0009');
  });

  it('are those of an index with expireAfterSeconds, too', async () => {
    const ttl = { _id: 'index:ttl', _type: 'index', type: 'note', key: { at: 1 } };
    await db.put({ ...ttl, expireAfterSeconds: 10, partial: { n: { $gt: 0 } } });
    await db.insert(notes(3, () => ({ at: new Date(START) })));
    await db.retain();
    expect((await ids('note')).length).toBe(3);
    now += 11_000;
    expect(await db.retain()).toMatchObject({ documents: 2 });
    expect(await ids('note')).toEqual(['n0000']);
    expect(await db.check()).toMatchObject({ ok: true });
    for (const bad of [
      { expireAfterSeconds: -1 },
      { expireAfterSeconds: '1' },
      { expireAfterSeconds: null },
    ])
      expect(await failure(db.put({ ...ttl, ...bad } as never))).toMatchObject({
        code: 'INVALID_INDEX',
        path: 'expireAfterSeconds',
      });
    const two = { ...ttl, key: { at: 1, n: 1 }, expireAfterSeconds: 1 };
    expect(await failure(db.put(two))).toMatchObject({ code: 'INVALID_INDEX' });
  });

  it('stay when they are written again before their turn', async () => {
    await db.insert(notes(1_000));
    await retain({ type: 'note', documents: { age_seconds: 60 } });
    now += HOUR;
    let touched = false;
    const report = await db.retain({
      onProgress: () => {
        if (!touched) void db.update('n0999', { $set: { n: -1 } });
        touched = true;
      },
    });
    expect(report).toMatchObject({ documents: 999 });
    expect(await ids('note')).toEqual(['n0999']);
  });
});

describe('retention', () => {
  it('stops at a signal between two commits, and goes on the next time', async () => {
    await db.insert(notes(1_000));
    await retain({ type: 'note', documents: { newest: 10 } });
    const stop = new AbortController();
    const reason = new Error('enough');
    const stopped = db.retain({ signal: stop.signal, onProgress: () => stop.abort(reason) });
    expect(await failure(stopped)).toBe(reason);
    const left = (await ids('note')).length;
    expect(left).toBeGreaterThan(10);
    expect(left).toBeLessThan(1_000);
    await reopen();
    await db.retain();
    expect(await ids('note')).toEqual(
      notes(1_000)
        .slice(990)
        .map(({ _id }) => _id),
    );
  });

  it('runs in the background while others write, tells of it, and ends with the store', async () => {
    await retain({ type: 'note', documents: { newest: 20 } });
    await db.insert(notes(2_000));
    await reopen({ retentionIntervalMs: 5 });
    const ended = new Promise<void>((resolve) => {
      db.events.on('retention', ({ done, documents }) => done && documents > 0 && resolve());
    });
    let writes = 0;
    let over = false;
    const writing = (async () => {
      for (; !over; writes++) await db.put({ _id: 'busy', _type: 'busy', writes });
    })();
    await ended;
    over = true;
    await writing;
    expect(writes).toBeGreaterThan(5);
    expect((await ids('note')).length).toBe(20);
    const { retention } = await db.stats();
    expect(retention.rounds).toBeGreaterThan(0);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it.each([
    [{ type: 'note' }, 'documents'],
    [{ documents: { newest: 1 } }, 'type'],
    [{ type: 'note', documents: { newest: 0 } }, 'documents.newest'],
    [{ type: 'note', documents: { newest: 1.5 } }, 'documents.newest'],
    [{ type: 'note', documents: { age_seconds: -1, field: 'at' } }, 'documents.age_seconds'],
    [{ type: 'note', documents: { age_seconds: 0 } }, 'documents.age_seconds'],
    [{ type: 'note', documents: { age_seconds: '1d' } }, 'documents.age_seconds'],
    [{ type: 'note', documents: {} }, 'documents'],
    [{ type: 'note', documents: [] }, 'documents'],
    [{ type: 'note', documents: { age: 1 } }, 'documents.age'],
    [{ type: 'note', documents: { age_seconds: 1, per: 'a' } }, 'documents.newest'],
    [{ type: 'note', documents: { newest: 1, per: 'a..b' } }, 'documents.per'],
    [{ type: 'note', documents: { newest: 1, where: { $no: 1 } } }, 'documents.where'],
    [{ type: 'note', revisions: { newest: 1, field: 'a' } }, 'revisions.field'],
    [{ type: 'note', log: { newest: -3 } }, 'log.newest'],
    [{ type: 'note', keep: 3 }, 'keep'],
    [{ type: 'audit', documents: { newest: 9, per: 'kind' } }, 'documents.per'],
    [{ type: 'audit', revisions: { newest: 9 } }, 'revisions'],
  ])('refuses %j at %s', async (fields, place) => {
    expect(await failure(retain(fields))).toMatchObject({ code: 'INVALID_DOCUMENT', path: place });
    expect(await db.get('retention:x')).toBeUndefined();
  });
});

describe('kept revisions', () => {
  const write = async (count: number) => {
    for (let n = 0; n < count; n++) {
      now += HOUR;
      await db.put({ _id: 'p', _type: 'prompt', template: '', n });
    }
  };
  const revs = async () => (await db.history('p')).map(({ rev }) => rev);

  it('are the newest so many, and what was before is refused', async () => {
    await write(10);
    const { seq } = db;
    await retain({ type: 'prompt', revisions: { newest: 4 } });
    expect(await db.retain({ dryRun: true })).toMatchObject({ revisions: 6 });
    expect(await db.retain()).toMatchObject({ revisions: 6 });
    expect(await revs()).toEqual([7, 8, 9, 10]);
    const oldest = seq - 3;
    expect(await db.asOf(oldest).get('p')).toMatchObject({ n: 6 });
    const refused = { code: 'NOT_RETAINED', details: { oldest } };
    await expect(db.asOf(oldest - 1).get('p')).rejects.toMatchObject(refused);
    await expect(
      db
        .asOf(oldest - 1)
        .query({ _type: 'prompt' })
        .count(),
    ).rejects.toMatchObject(refused);
    await reopen();
    await expect(db.asOf(oldest - 1).get('p')).rejects.toMatchObject(refused);
    expect(await db.check()).toMatchObject({ ok: true });
  });

  it('are all that were current within the age, also of what was removed', async () => {
    await write(10);
    await retain({ type: 'prompt', revisions: { age_seconds: 4.5 * 3_600 } });
    await db.retain();
    expect(await revs()).toEqual([5, 6, 7, 8, 9, 10].slice(0));
    await db.remove('p');
    now += 4 * HOUR;
    await db.retain();
    expect((await revs()).at(-1)).toBe(10);
    now += HOUR;
    await db.retain();
    expect(await revs()).toEqual([]);
    await expect(db.asOf(3).get('p')).rejects.toMatchObject({ code: 'NOT_RETAINED' });
    expect(await db.asOf(db.seq).get('p')).toBeUndefined();
    await write(1);
    expect(await revs()).toEqual([1]);
  });
});

describe('revisions that a run under way is pinned to', () => {
  it('stay until it has ended', async () => {
    for (let n = 1; n <= 6; n++) await db.put({ _id: 'p', _type: 'prompt', template: '', n });
    const run = { _id: 'run:x', _type: 'run', definitions: { p: 3 } };
    await db.put({ ...run, status: 'running' });
    await retain({ type: 'prompt', revisions: { newest: 1 } });
    await db.retain();
    expect((await db.history('p')).map(({ rev }) => rev)).toEqual([3, 4, 5, 6]);
    await db.put({ ...run, status: 'completed' });
    await db.retain();
    expect((await db.history('p')).map(({ rev }) => rev)).toEqual([6]);
  });
});

describe('the change log', () => {
  it('keeps the newest so many commits, or the young ones, and says so to who comes late', async () => {
    for (let n = 0; n < 3_000; n += 50) {
      await Promise.all(notes(50).map((note) => db.put(note)));
    }
    await retain({ log: { newest: 100 } });
    const report = await db.retain();
    expect(report.logRecords).toBeGreaterThan(1_500);
    const { seq, log_start } = await db.stats();
    expect(seq - log_start).toBeLessThan(101);
    const late = db.watch({}, { since: 1 }).next();
    await expect(late).rejects.toMatchObject({ code: 'LOG_TRIMMED' });
    await retain({ log: { age_seconds: 60 } });
    now += HOUR;
    await db.put({ _id: 'young', _type: 'note' });
    await db.retain();
    expect((await db.stats()).log_start).toBeGreaterThanOrEqual(seq + 2);
    expect(await db.retain()).toMatchObject({ logRecords: 0 });
    await reopen();
    expect(await db.check()).toMatchObject({ ok: true });
  });
});

describe('the audit trail', () => {
  const audit = async (count: number) => {
    for (let n = 0; n < count; n++) {
      now += 1_000;
      await db.submit((draft) => void draft.audit({ kind: n % 2 ? 'odd' : 'even', n0: n }));
    }
  };

  it('is trimmed by retention alone, and still verifies', async () => {
    await audit(30);
    await retain({ type: 'audit', documents: { newest: 10 } });
    expect(await db.retain({ dryRun: true })).toMatchObject({ auditDocuments: 20 });
    expect(await db.retain()).toMatchObject({ auditDocuments: 20 });
    const [summary, next] = await db.audit.query();
    expect(summary).toMatchObject({
      _id: auditId(20),
      kind: 'summary',
      removed: 20,
      kinds: { even: 10, odd: 10 },
      link: next?.prev,
    });
    expect(await db.audit.verify()).toEqual({ ok: true, verified: 12 });
    expect(await failure(db.remove(auditId(25)))).toMatchObject({ code: 'PROTECTED_TYPE' });
    await audit(20);
    await db.retain();
    expect(await db.audit.query().first()).toMatchObject({
      removed: 41,
      kinds: { even: 20, odd: 20, 'audit-trim': 1 },
    });
    await reopen();
    expect(await db.audit.verify()).toMatchObject({ ok: true });
    expect(await db.check()).toMatchObject({ ok: true });
    for (let round = 0; round < 5; round++) await db.retain();
    expect(await db.audit.query().count()).toBeLessThan(14);
  });

  it('goes by age, and settles when nothing happens', async () => {
    await audit(30);
    await retain({ type: 'audit', documents: { age_seconds: 9.5 } });
    await db.retain();
    expect(await db.audit.query().first()).toMatchObject({ removed: 20 });
    now += HOUR;
    for (let round = 0; round < 4; round++) await db.retain();
    const { seq } = db;
    await db.retain();
    expect(db.seq).toBe(seq);
    expect(await db.audit.verify()).toMatchObject({ ok: true });
  });
});
