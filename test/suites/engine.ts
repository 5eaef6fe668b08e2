import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Document } from '#jdbx/base/document.js';
import { takeValue, type Value } from '#jdbx/base/values.js';
import type {
  Change,
  Commit,
  Engine,
  EngineBatch,
  EngineSnapshot,
} from '#jdbx/storage/contract.js';
import { value } from './arbitrary-values.js';

/**
 * What every engine must do, whatever it stores in. Each test opens an engine of
 * its own; snapshots are taken through `look`, which closes them.
 */
export function engineSuite(name: string, open: () => Promise<Engine>): void {
  describe(`${name} engine`, () => {
    let engine: Engine;

    const begin = async () => {
      engine = await open();
      return engine;
    };
    afterEach(() => engine.close());

    it('starts empty', async () => {
      await begin();
      expect(engine.seq).toBe(0);
      look(engine, (snapshot) => {
        expect(snapshot.seq).toBe(0);
        expect([...snapshot.documents()]).toEqual([]);
        expect([...snapshot.log(0)]).toEqual([]);
        expect(snapshot.logStart()).toBe(1);
        expect(snapshot.get('a')).toBeUndefined();
        expect(snapshot.named('a')).toBeUndefined();
        expect(snapshot.lastRevision('a')).toBe(0);
      });
    });

    it('shows what a batch wrote: documents, their seq, the log and the names', async () => {
      await begin();
      const first = commit(1, put(1, { _id: 'a', n: 1 }), put(2, { _id: 'b', n: 2 }));
      const second = commit(2, put(1, { _id: 'a', _rev: 2, n: 3 }), remove(2, 'b'));
      await engine.commit(batch([first, second], { x: { y: [1] } }));
      expect(engine.seq).toBe(2);
      look(engine, (snapshot) => {
        expect(snapshot.get('a')).toMatchObject({ ref: 1, seq: 2, shareable: true });
        expect(snapshot.get('a')?.document).toEqual(document({ _id: 'a', _rev: 2, n: 3 }));
        expect(snapshot.get('b')).toBeUndefined();
        expect([...snapshot.log(0)]).toEqual([first, second]);
        expect([...snapshot.log(1)]).toEqual([second]);
        expect([...snapshot.log(2)]).toEqual([]);
        const put = { kind: 'put', ref: 1, id: 'a', rev: 2 };
        expect(snapshot.logged(2)).toEqual({ ...second, changes: [put, remove(2, 'b')] });
        expect([0, 3].map((seq) => snapshot.logged(seq))).toEqual([undefined, undefined]);
        expect(snapshot.named('x')).toEqual({ y: [1] });
      });
    });

    it('keeps a snapshot as it was while later batches change everything', async () => {
      await begin();
      await engine.commit(
        batch([commit(1, put(1, { _id: 'a', n: 1 }), put(2, { _id: 'b' }))], { n: 1 }),
      );
      const before = engine.snapshot();
      const seen = () => [
        before.seq,
        [...before.documents()].map(({ document: { _id, _rev } }) => [_id, _rev]),
        before.get('b')?.ref,
        before.get('c'),
        before.named('n'),
        [...before.log(0)].map(({ seq }) => seq),
        before.logStart(),
        [...before.revisions('a')].map(({ seq }) => seq),
        before.lastRevision('a'),
      ];
      const then = seen();
      for (let seq = 2; seq <= 6; seq++) {
        const changes = [
          put(1, { _id: 'a', _rev: seq, n: seq }, true),
          seq % 2 === 0 ? remove(2, 'b') : put(2, { _id: 'b', _rev: seq }),
          put(seq + 1, { _id: 'c', _rev: seq }),
        ];
        await engine.commit(batch([commit(seq, ...changes)], { n: seq }, seq - 1));
        expect(seen()).toEqual(then);
      }
      before.close();
      look(engine, (snapshot) => {
        expect(snapshot.get('a')?.document.n).toBe(6);
        expect(snapshot.logStart()).toBe(5);
      });
    });

    it('gives many documents as it gives each of them, also out of older snapshots', async () => {
      await begin();
      const text = (n: number) =>
        n % 400 === 7 ? 'y'.repeat(300_000) : 'x'.repeat(n % 50 === 3 ? 3_000 : n % 90);
      const idOf = (n: number) => (n % 7 === 0 ? `zähler-${n}` : `${'i'.repeat(n % 40)}-${n}`);
      const all = Array.from({ length: 1_200 }, (_, n) => idOf(n));
      const puts = all.slice(0, 1_100).map((_id, n) => put(n + 1, { _id, text: text(n) }));
      await engine.commit(batch([commit(1, ...puts)]));
      const asked = ['nobody', ...all, all[3] as string, 'x'.repeat(1_000)];
      const held = [engine.snapshot()];
      const first = held[0]?.getMany(asked);
      for (let seq = 2; seq <= 5; seq++) {
        const changes = all
          .slice(0, 60)
          .map((_id, n) => put(n + 1, { _id, _rev: seq, text: text(n + seq) }));
        const gone = remove(100 + seq, idOf(99 + seq));
        await engine.commit(batch([commit(seq, ...changes, gone)]));
        held.push(engine.snapshot());
      }
      for (const snapshot of held.toReversed()) {
        expect(snapshot.getMany(asked)).toEqual(asked.map((id) => snapshot.get(id)));
      }
      expect(held[0]?.getMany(asked)).toEqual(first);
      expect(first?.filter((stored) => stored).length).toBe(1_101);
      for (const snapshot of held) snapshot.close();
      expect(() => held[0]?.getMany(asked)).toThrow(/open snapshot/);
    });

    it('lists documents in the order of their ids as UTF-8 bytes', async () => {
      await begin();
      const ids = ['😀', 'b', '\uffff', 'a\0b', 'a', 'é', 'ab', '\0', 'a\0', '\u0001', 'Z', '~'];
      await engine.commit(batch([commit(1, ...ids.map((_id, at) => put(at + 1, { _id })))]));
      const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      look(engine, (snapshot) => {
        expect([...snapshot.documents()].map(({ document: { _id } }) => _id)).toEqual(sorted);
        for (const id of ids) expect(snapshot.get(id)?.document._id).toBe(id);
      });
    });

    it('takes ids of 1,000 bytes and keeps revisions of ids that continue each other apart', async () => {
      await begin();
      const long = 'x'.repeat(995);
      const ids = ['a', 'a\0', 'a\0\0\0\0\u0001', 'a\0\0\0\0\0', long, `${long}\0\0\0\0\0`];
      const puts = ids.map((_id, at) => put(at + 1, { _id, _rev: at + 1 }, true));
      await engine.commit(batch([commit(1, ...puts)]));
      look(engine, (snapshot) => {
        ids.forEach((id, at) => {
          expect([...snapshot.revisions(id)].map(({ document: { _id } }) => _id)).toEqual([id]);
          expect(snapshot.lastRevision(id)).toBe(at + 1);
          expect(snapshot.revision(id, at + 1)?.document._id).toBe(id);
        });
      });
    });

    it('keeps revisions of what is versioned, oldest first, also after the removal', async () => {
      await begin();
      const revs = [1, 2, 255, 256, 65_536];
      const commits = revs.map((_rev, at) =>
        commit(at + 1, put(1, { _id: 'a', _rev }, true), put(2, { _id: 'b', _rev: at + 1 })),
      );
      await engine.commit(batch([...commits, commit(6, remove(1, 'a'))]));
      look(engine, (snapshot) => {
        const kept = [...snapshot.revisions('a')];
        expect(kept.map(({ document: { _rev } }) => _rev)).toEqual(revs);
        expect(kept.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
        expect(kept[0]?.at).toBe(1_001);
        expect(snapshot.revision('a', 255)?.seq).toBe(3);
        expect(snapshot.revision('a', 3)).toBeUndefined();
        expect(snapshot.lastRevision('a')).toBe(65_536);
        expect([...snapshot.revisions('b')]).toEqual([]);
      });
    });

    it('drops log records below the seq asked for, but never the newest', async () => {
      await begin();
      for (let seq = 1; seq <= 5; seq++) {
        await engine.commit(batch([commit(seq, put(1, { _id: 'a', _rev: seq }))], {}, seq - 1));
      }
      look(engine, (snapshot) => {
        expect(snapshot.logStart()).toBe(4);
        expect([...snapshot.log(0)].map(({ seq }) => seq)).toEqual([4, 5]);
      });
      await engine.commit(
        batch(
          [6, 7].map((seq) => commit(seq, put(1, { _id: 'a' }))),
          {},
          99,
        ),
      );
      look(engine, (snapshot) => {
        const kept = [...snapshot.log(0)].map(({ seq }) => seq);
        const told = Array.from({ length: 9 }, (_, seq) => snapshot.logged(seq)?.seq);
        expect(told.filter((seq) => seq !== undefined)).toEqual(kept);
      });
      await engine.commit(batch([commit(8, put(1, { _id: 'a' }))], {}, 99));
      look(engine, (snapshot) => {
        expect(snapshot.logStart()).toBe(8);
        expect([...snapshot.log(0)].map(({ seq }) => seq)).toEqual([8]);
      });
    });

    it('gives back values of every kind, equal and frozen', async () => {
      await begin();
      let seq = 0;
      const property = fc.asyncProperty(fc.array(value, { maxLength: 4 }), async (values) => {
        seq++;
        const stored = document({ _id: 'v', values, ...byName(values) });
        const change = putOf(1, stored, true);
        await engine.commit(batch([commit(seq, change)], { v: values }));
        look(engine, (snapshot) => {
          const found = snapshot.get('v');
          expect(found?.document).toStrictEqual(stored);
          expect(found?.shareable).toBe(isDeeplyFrozen(found?.document));
          expect(snapshot.named('v')).toStrictEqual(takeValue(values));
          expect([...snapshot.log(seq - 1)][0]?.changes[0]).toStrictEqual(change);
          expect([...snapshot.revisions('v')].at(-1)?.document).toStrictEqual(stored);
        });
      });
      await fc.assert(property, { numRuns: 150, seed: 7 });
    });

    it('gives back dates at the ends of time, and names that objects themselves have', async () => {
      await begin();
      const fields = {
        dates: [8.64e15, -8.64e15, -1, -62_135_596_800_001, 0, 1.5e12 + 1].map((t) => new Date(t)),
        bytes: [new Uint8Array(), new Uint8Array(70_000).fill(7)],
        long: 'é'.repeat(100_000),
        constructor: 'x',
        toJSON: { constructor: 1, toJSON: 2, valueOf: 3, hasOwnProperty: 5 },
        numbers: [2 ** 53, -(2 ** 53), 2 ** 60, 1e300, -5e-324, 4_294_967_296.5],
      };
      const stored = document({ _id: 'v', ...fields });
      await engine.commit(batch([commit(1, putOf(1, stored, true))]));
      look(engine, (snapshot) => expect(snapshot.get('v')?.document).toStrictEqual(stored));
    });

    it('holds its own copy of dates and bytes', async () => {
      await begin();
      const when = new Date(5);
      const bytes = new Uint8Array([1, 2]);
      const mine: Document = { _id: 'd', _type: 't', _rev: 1, when, bytes };
      await engine.commit(batch([commit(1, putOf(1, mine, true))], { when }));
      when.setTime(9);
      bytes[0] = 9;
      look(engine, (snapshot) => {
        const kept = { when: new Date(5), bytes: new Uint8Array([1, 2]) };
        const first = snapshot.get('d')?.document as unknown as typeof kept;
        expect(first).toMatchObject(kept);
        first.when.setTime(7);
        first.bytes[1] = 7;
        expect(snapshot.get('d')?.document).toMatchObject(kept);
        expect([...snapshot.log(0)][0]?.changes[0]).toMatchObject({ document: kept });
        expect(snapshot.revision('d', 1)?.document).toMatchObject(kept);
        expect(snapshot.named('when')).toEqual(new Date(5));
      });
    });

    it('refuses commits that do not follow on, and stores nothing of them', async () => {
      await begin();
      await engine.commit(batch([commit(1, put(1, { _id: 'a' }))]));
      for (const seqs of [[1], [3], [2, 4], [0]]) {
        const commits = seqs.map((seq) => commit(seq, put(1, { _id: 'a', _rev: 9 })));
        await expect(engine.commit(batch(commits))).rejects.toThrow(RangeError);
      }
      expect(engine.seq).toBe(1);
      look(engine, (snapshot) => expect(snapshot.get('a')?.document._rev).toBe(1));
    });

    it('takes an empty batch for nothing', async () => {
      await begin();
      await engine.commit(batch([], { x: 1 }));
      expect(engine.seq).toBe(0);
    });

    it('tells how much it holds', async () => {
      await begin();
      const before = engine.sizeBytes();
      await engine.commit(batch([commit(1, put(1, { _id: 'a', text: 'x'.repeat(3_000_000) }))]));
      expect(engine.sizeBytes()).toBeGreaterThan(before + 1_500_000);
      const more = batch([commit(2, put(2, { _id: 'b', text: 'x'.repeat(3_000_000) }))]);
      expect(engine.sizeAfter(more)).toBeGreaterThan(before + 3_000_000);
    });

    it('forgets the oldest kept revisions, and remembers removals until then', async () => {
      await begin();
      const ids = (snapshot: EngineSnapshot) => [...snapshot.revisedIds()];
      const revs = (snapshot: EngineSnapshot, id: string) =>
        [...snapshot.revisions(id)].map(({ document: { _rev } }) => _rev);
      for (let seq = 1; seq <= 4; seq++) {
        const changes = ['a', 'b'].map((id, at) => put(at + 1, { _id: id, _rev: seq }, true));
        await engine.commit(batch([commit(seq, ...changes)]));
      }
      const removal: Change = {
        kind: 'remove',
        ref: 1,
        id: 'a',
        type: 'thing',
        rev: 4,
        versioned: true,
      };
      await engine.commit(batch([commit(5, removal)]));
      const before = engine.snapshot();
      const forget = (id: string, below: number): Change => ({
        kind: 'forget',
        id,
        from: 1,
        below,
      });
      await engine.commit(batch([commit(6, forget('b', 3), forget('a', 5))]));
      await engine.commit(batch([commit(7, put(3, { _id: 'a', _rev: 1 }, true))]));
      expect([...before.removals('a')]).toEqual([{ rev: 4, seq: 5, at: 1_005 }]);
      expect([ids(before), revs(before, 'a'), revs(before, 'b')]).toEqual([
        ['a', 'b'],
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ]);
      expect([before.lastRevision('a'), before.revision('a', 1)?.seq]).toEqual([4, 1]);
      before.close();
      look(engine, (snapshot) => {
        expect([revs(snapshot, 'a'), revs(snapshot, 'b')]).toEqual([[1], [3, 4]]);
        expect([...snapshot.removals('a')]).toEqual([]);
        expect([snapshot.lastRevision('a'), snapshot.revision('a', 1)?.seq]).toEqual([1, 7]);
        expect([snapshot.lastRevision('b'), snapshot.revision('b', 2)]).toEqual([4, undefined]);
        expect([...snapshot.revisedIds('a')]).toEqual(['b']);
        expect([...snapshot.log(5)].map(({ changes }) => changes.length)).toEqual([2, 1]);
      });
    });

    it('refuses everything after it was closed, also through snapshots from before', async () => {
      await begin();
      await engine.commit(
        batch([1, 2, 3].map((seq) => commit(seq, put(seq, { _id: `a${seq}` }, true)))),
      );
      const snapshot = engine.snapshot();
      const documents = snapshot.documents()[Symbol.iterator]();
      const log = snapshot.log(0)[Symbol.iterator]();
      expect(documents.next().value?.document._id).toBe('a1');
      expect(log.next().value?.seq).toBe(1);
      snapshot.close();
      snapshot.close();
      await engine.close();
      await engine.close();
      const closed = { code: 'STORE_CLOSED' };
      const reads = [
        () => snapshot.get('a1'),
        () => snapshot.named('x'),
        () => snapshot.logStart(),
        () => snapshot.lastRevision('a1'),
        () => snapshot.revision('a1', 1),
        () => [...snapshot.documents()],
        () => [...snapshot.revisions('a1')],
        () => [...snapshot.log(0)],
        () => documents.next(),
        () => log.next(),
        () => engine.snapshot(),
      ];
      for (const read of reads) expect(read).toThrow(expect.objectContaining(closed));
      await expect(engine.commit(batch([commit(4)]))).rejects.toMatchObject(closed);
    });
  });
}

function look<T>(engine: Engine, read: (snapshot: EngineSnapshot) => T): T {
  const snapshot = engine.snapshot();
  try {
    return read(snapshot);
  } finally {
    snapshot.close();
  }
}

export function document(fields: { readonly [key: string]: unknown }): Document {
  return takeValue({ _type: 'thing', _rev: 1, ...fields }) as Document;
}

export function put(
  ref: number,
  fields: { readonly [key: string]: unknown },
  versioned = false,
): Change {
  return putOf(ref, document(fields), versioned);
}

function putOf(ref: number, stored: Document, versioned: boolean): Change {
  const { _id: id, _rev: rev } = stored;
  return { kind: 'put', ref, id, rev, document: stored, versioned };
}

export function remove(ref: number, id: string): Change {
  return { kind: 'remove', ref, id, type: 'thing', rev: 1 };
}

export function commit(seq: number, ...changes: Change[]): Commit {
  return { seq, at: 1_000 + seq, changes };
}

export function batch(
  commits: readonly Commit[],
  names: EngineBatch['names'] = {},
  logFrom = 1,
): EngineBatch {
  return { commits, names, logFrom };
}

function byName(values: readonly Value[]): { readonly [key: string]: Value } {
  return Object.fromEntries(values.map((item, at) => [`field ${at}`, item]));
}

function isDeeplyFrozen(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return true;
  if (item instanceof Date || item instanceof Uint8Array) return false;
  return Object.isFrozen(item) && Object.values(item).every(isDeeplyFrozen);
}
