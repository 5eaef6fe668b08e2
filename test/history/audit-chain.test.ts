import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { contentHash } from '#jdbx/base/canonical.js';
import type { Document } from '#jdbx/base/document.js';
import { takeValue, type ValueObject } from '#jdbx/base/values.js';
import {
  AUDIT_START,
  type AuditDocument,
  type AuditEntry,
  type AuditHead,
  auditId,
  sealAudit,
  summarize,
  verifyChain,
} from '#jdbx/history/audit-chain.js';
import { open } from '#jdbx/index.js';
import type { Change } from '#jdbx/storage/contract.js';
import { openLmdb } from '#jdbx/storage/lmdb/engine.js';
import { temporaryStore } from '../storage/temporary.js';
import { value } from '../suites/arbitrary-values.js';

describe('a chain', () => {
  const chainOf = (entries: readonly ValueObject[]) => {
    let head: AuditHead = AUDIT_START;
    const documents = entries.map((facts, at) => {
      const entry = takeValue({ kind: 'test', ...facts }) as AuditEntry;
      const document = sealAudit(head, entry, at);
      head = { n: document.n, hash: document.hash };
      return document;
    });
    return { documents, head };
  };

  it('verifies, whatever the entries hold', () => {
    const facts = value.map((item) => ({ item }));
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 4 }), (entries) => {
        const { documents, head } = chainOf(entries as ValueObject[]);
        expect(verifyChain(documents, head)).toEqual({ ok: true, verified: entries.length });
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it('finds any change of any field, and names the document', () => {
    const { documents, head } = chainOf([{ a: 1 }, { a: 2, deep: { list: [1, 2] } }, { a: 3 }]);
    const second = documents[1] as AuditDocument;
    const changes: Partial<Record<string, unknown>>[] = [
      { a: 3 },
      { a: '2' },
      { extra: null },
      { deep: { list: [2, 1] } },
      { at: new Date(99).toISOString() },
      { kind: 'other' },
      { prev: '1'.repeat(64) },
      { hash: '1'.repeat(64) },
      { _rev: 2 },
      { n: 7 },
      { a: undefined },
    ];
    for (const change of changes) {
      const changed = takeValue({ ...second, ...change }) as unknown as AuditDocument;
      const verdict = verifyChain(
        [documents[0] as AuditDocument, changed, ...documents.slice(2)],
        head,
      );
      expect(verdict).toMatchObject({ ok: false, verified: 1, broken: { n: 2, id: auditId(2) } });
    }
  });

  it('refuses an entry that would take over a field of the chain', () => {
    for (const field of ['_id', '_type', '_rev', 'n', 'at', 'prev', 'hash']) {
      const entry = { kind: 'test', [field]: 1 } as unknown as AuditEntry;
      expect(() => sealAudit(AUDIT_START, entry, 0)).toThrow(
        expect.objectContaining({ code: 'INVALID_DOCUMENT', path: field }),
      );
    }
  });
});

describe('the trail of a store', () => {
  let path: string;
  beforeEach(async () => {
    path = temporaryStore();
    const db = await open(path);
    for (let at = 0; at < 5; at++) {
      await db.submit((draft) => {
        draft.audit({ kind: 'test', run: `run:${at % 2}`, at0: new Date(at) });
        draft.audit({ kind: 'other', at0: undefined as never });
      });
    }
    expect(await db.audit.verify()).toEqual({ ok: true, verified: 10 });
    expect(await db.audit.query({ kind: 'test' }).count()).toBe(5);
    expect((await db.audit.ofRun('run:1')).map(({ n }) => n)).toEqual([3, 7]);
    await db.close();
  });

  /** Writes below the verbs, as someone with the file could. */
  const tamper = async (change: (read: (n: number) => AuditDocument, ref: number) => Change[]) => {
    const engine = await openLmdb(path);
    const snapshot = engine.snapshot();
    const read = (n: number) => snapshot.get(auditId(n))?.document as AuditDocument;
    const ref = (snapshot.named('nextRef') as number) + 1_000;
    const changes = change(read, ref);
    const commit = { seq: engine.seq + 1, at: Date.now(), changes };
    await engine.commit({ commits: [commit], names: {}, logFrom: 1 });
    snapshot.close();
    await engine.close();
  };

  const put = (ref: number, fields: object): Change => {
    const document = takeValue(fields) as Document;
    return { kind: 'put', ref, id: document._id, rev: document._rev, document, versioned: false };
  };
  const remove = (n: number): Change => ({
    kind: 'remove',
    ref: 1,
    id: auditId(n),
    type: 'audit',
    rev: 1,
  });

  const verdict = async () => {
    const db = await open(path);
    const result = await db.audit.verify();
    const report = await db.check();
    expect(report.ok).toBe(result.ok);
    expect(report.problems.join()).toContain(result.broken?.id ?? '');
    await db.close();
    return result;
  };

  it('verifies after a reopen, and goes on where it ended', async () => {
    expect(await verdict()).toEqual({ ok: true, verified: 10 });
    const db = await open(path);
    await db.submit((draft) => draft.audit({ kind: 'test' }));
    expect(await db.audit.verify()).toEqual({ ok: true, verified: 11 });
    await db.close();
  });

  it('shows a document that was changed', async () => {
    await tamper((read, ref) => [put(ref, { ...read(4), kind: 'nothing' })]);
    expect(await verdict()).toMatchObject({ ok: false, verified: 3, broken: { n: 4 } });
  });

  it('shows a document that was changed and sealed again', async () => {
    await tamper((read, ref) => {
      const { _id, _type, _rev, n, at, prev, hash, ...facts } = read(4);
      const sealed = sealAudit({ n: n - 1, hash: prev }, { ...facts, kind: 'x' }, Date.parse(at));
      return [put(ref, sealed)];
    });
    expect(await verdict()).toMatchObject({ ok: false, verified: 4, broken: { n: 5 } });
  });

  it.each([
    ['at the start', [1], 1],
    ['in the middle', [6], 6],
    ['at the end', [10], 10],
    ['all from one on', [8, 9, 10], 8],
    ['altogether', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 1],
  ])('shows what was removed %s', async (_, gone, n) => {
    await tamper(() => gone.map(remove));
    expect(await verdict()).toMatchObject({ ok: false, verified: n - 1, broken: { n } });
  });

  describe('that was trimmed', () => {
    beforeEach(async () => {
      const db = await open(path);
      await db.submit((draft) => draft.trimAudit(1, 6, 'retention:x'));
      expect(await db.audit.verify()).toEqual({ ok: true, verified: 6 });
      expect(await db.audit.query().first()).toMatchObject({
        ...{ _id: auditId(6), kind: 'summary', removed: 6, kinds: { test: 3, other: 3 } },
      });
      await db.close();
    });

    it('verifies after a reopen and another trim', async () => {
      const db = await open(path);
      await db.submit((draft) => draft.trimAudit(6, 9, 'retention:x'));
      expect(await db.audit.query().first()).toMatchObject({ removed: 9 });
      await db.close();
      expect(await verdict()).toEqual({ ok: true, verified: 4 });
    });

    it.each([
      ['says something else', { removed: 5 }],
      ['stands for other kinds', { kinds: { test: 6 } }],
      ['begins elsewhere', { first_at: new Date(0).toISOString() }],
      ['links to another document', { link: '1'.repeat(64) }],
    ])('shows a summary that %s, sealed again or not', async (_, change) => {
      await tamper((read, ref) => [put(ref, { ...read(6), ...change })]);
      expect(await verdict()).toMatchObject({ ok: false, broken: { n: 6 } });
      await tamper((read, ref) => {
        const { hash, ...body } = { ...read(6), ...change };
        return [put(ref, { ...body, hash: contentHash(body) })];
      });
      expect(await verdict()).toMatchObject({ ok: false });
    });

    it('shows a summary that is gone, or stands for more than was trimmed', async () => {
      await tamper(() => [remove(6)]);
      expect(await verdict()).toMatchObject({ ok: false, verified: 0 });
      await tamper((read, ref) => [remove(7), put(ref, summarize([read(7)], 0))]);
      expect(await verdict()).toMatchObject({ ok: false });
    });
  });

  it('shows a pair that changed places', async () => {
    await tamper((read, ref) => [
      put(ref, { ...read(5), _id: auditId(6), n: 6 }),
      put(ref + 1, { ...read(6), _id: auditId(5), n: 5 }),
    ]);
    expect(await verdict()).toMatchObject({ ok: false, verified: 4, broken: { n: 5 } });
  });

  it('shows what was added', async () => {
    await tamper((read, ref) => [put(ref, { ...read(10), _id: auditId(11), n: 11 })]);
    expect(await verdict()).toMatchObject({ ok: false, verified: 10, broken: { n: 11 } });
    await tamper((read, ref) => [remove(11), put(ref, { ...read(10), _id: 'audit:extra' })]);
    expect(await verdict()).toMatchObject({ ok: false, verified: 10, broken: { n: 11 } });
  });
});
