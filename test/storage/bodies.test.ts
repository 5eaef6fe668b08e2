import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Document } from '#jdbx/base/document.js';
import { takeValue } from '#jdbx/base/values.js';
import { Bodies, readHead } from '#jdbx/storage/bodies/bodies.js';
import { SHAPES_MAX, Shapes } from '#jdbx/storage/bodies/shapes.js';
import type { Change, Commit, Engine } from '#jdbx/storage/contract.js';
import { openLmdb } from '#jdbx/storage/lmdb/engine.js';
import { openMemory } from '#jdbx/storage/memory/engine.js';
import { openEmbedded } from '#jdbx/storage/open-embedded.js';
import { temporaryStore } from './temporary.js';

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'toJSON', 'constructor', 'toString', '7', '', 'é'),
  fc.string().filter((text) => text !== '__proto__'),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(name, tie('value')),
  ),
})).value;

const document = fc
  .dictionary(name, value)
  .map((fields) => takeValue({ _id: 'x', _type: 't', _rev: 3, ...fields }) as Document);

describe('documents as stored bytes', () => {
  it('come back equal, in the order of their names and frozen, with a shape and without', () => {
    fc.assert(
      fc.property(fc.array(document, { minLength: 1 }), (documents) => {
        const bodies = new Bodies();
        // Three times: what was seen before gets a shape.
        for (const each of [...documents, ...documents, ...documents]) {
          const bytes = bodies.encode(7, 2 ** 33, each);
          expect(readHead('x', bytes)).toEqual({ ref: 7, seq: 2 ** 33, rev: 3 });
          const decoded = bodies.decode('x', bytes);
          expect(decoded).toMatchObject({ ref: 7, seq: 2 ** 33 });
          expect(decoded.document).toEqual(each);
          expect(namesOf(decoded.document)).toBe(namesOf(each));
          expect(Object.isFrozen(decoded.document)).toBe(true);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('share names from the second of a kind on', () => {
    const bodies = new Bodies();
    const sizes = [1, 2, 3].map(
      (n) => bodies.encode(1, 1, documentOf(n, { latency: { first: n, second: n } })).length,
    );
    expect(sizes[1]).toBeLessThan(sizes[0] as number);
    expect(sizes[2]).toBe(sizes[1]);
    expect(bodies.shapes.fresh()).toHaveLength(1);
  });

  it('keep to the outer names where the inner ones are data', () => {
    const bodies = new Bodies();
    for (let n = 0; n < 100; n++) {
      const each = documentOf(n, { counts: { [`user-${n}`]: n } });
      expect(bodies.decode(each._id, bodies.encode(1, 1, each)).document).toEqual(each);
    }
    expect(bodies.shapes.fresh()).toHaveLength(1);
  });

  it('use up a bounded number of shapes, and go on without', () => {
    const shapes = new Shapes();
    for (let n = 0; n < SHAPES_MAX + 50; n++) {
      for (let time = 0; time < 2; time++) shapes.find(documentOf(n, { [`field-${n}`]: n }), []);
    }
    expect(shapes.fresh()).toHaveLength(SHAPES_MAX);
    expect(shapes.find(documentOf(1, { other: 1 }), [])).toBeUndefined();
    expect(shapes.find(documentOf(1, { 'field-1': 1 }), [])).toBeDefined();
  });

  it('give numbers that no batch made durable to others', () => {
    const shapes = new Shapes();
    const mine = documentOf(1, { mine: 1 });
    for (let time = 0; time < 2; time++) shapes.find(mine, []);
    expect(shapes.fresh()).toHaveLength(1);
    shapes.learn([[1, ['t', ['theirs']]]]);
    expect(shapes.fresh()).toEqual([]);
    expect(shapes.find(documentOf(1, { theirs: 1 }), [])?.number).toBe(1);
    expect(shapes.find(mine, [])).toBeUndefined();
    expect(shapes.find(mine, [])?.number).toBe(2);
  });

  it.each([[[[2, ['t', ['a']]]]], [[[1, 'text']]], [[[1, ['t', ['__proto__']]]]]])(
    'refuses shapes that cannot be: %j',
    (shapes) => {
      expect(() => new Shapes().learn(shapes as never)).toThrow(
        expect.objectContaining({ code: 'STORE_CORRUPT' }),
      );
    },
  );
});

describe('a store on disk', () => {
  it('tells of every commit in its log what a store that keeps all of it tells', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(99), { maxLength: 4 })), async (plan) => {
        const engines = [openMemory(), await openLmdb(temporaryStore())];
        for (const [at, steps] of plan.entries()) await commitTo(engines, at + 1, steps);
        const [kept, stored] = engines.map((engine) => logOf(engine));
        expect(stored).toEqual(kept);
        for (const engine of engines) await engine.close();
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it('knows its shapes again, whether LMDB or the journal alone holds them', async () => {
    const path = temporaryStore();
    for (let round = 0; round < 3; round++) {
      const engine = await openEmbedded(path, { idleMs: 1e6 });
      const from = engine.seq;
      for (let n = 1; n <= 4; n++) {
        const put = putOf(from + n, `${round}-${n}`, { [`field-${round}`]: n });
        await engine.commit(batchOf({ seq: from + n, at: n, changes: [put] }));
      }
      const copied = join(temporaryStore(), 'copy.mdb');
      if (round === 1) await engine.copyTo?.(copied);
      const snapshot = engine.snapshot();
      expect([...snapshot.documents()]).toHaveLength(4 * (round + 1));
      snapshot.close();
      await engine.close();
    }
    const engine = await openLmdb(path);
    const documents = [...engine.snapshot().documents()].map((stored) => stored.document);
    expect(documents[9]).toEqual(documentOf('2-2', { 'field-2': 2 }));
    await engine.close();
  });
});

const names = new Map<string, { rev: number; seq: number; versioned: boolean }>();

/** Each step is a number that says what happens to which of three documents. */
async function commitTo(engines: Engine[], seq: number, steps: readonly number[]): Promise<void> {
  if (seq === 1) names.clear();
  const changes = new Map<string, Change>();
  for (const step of steps) {
    const id = `d${step % 3}`;
    if (!changes.has(id)) changes.set(id, changeOf(id, Math.floor(step / 3), seq));
  }
  const forgets = steps.flatMap((step) => (step > 90 ? [forgetOf(`d${step % 3}`)] : []));
  const commit = { seq, at: seq, changes: [...changes.values(), ...forgets] };
  const logFrom = steps[0] !== undefined && steps[0] > 80 ? seq - 2 : 1;
  for (const engine of engines) await engine.commit({ ...batchOf(commit), logFrom });
}

function changeOf(id: string, kind: number, seq: number): Change {
  const before = names.get(id);
  const versioned = kind % 2 === 0;
  if (kind % 5 === 0 && before && before.seq > 0) {
    names.set(id, { ...before, seq: 0 });
    return {
      kind: 'remove',
      ref: refOf(id),
      id,
      type: 't',
      rev: before.rev,
      ...(versioned ? { versioned } : {}),
    };
  }
  // A document that was removed and kept nowhere begins anew.
  const rev = before && (before.seq > 0 || before.versioned) ? before.rev + 1 : 1;
  names.set(id, { rev, seq, versioned: versioned || (before?.versioned ?? false) });
  return { ...putOf(refOf(id), id, { n: seq }, rev), versioned };
}

function refOf(id: string): number {
  return 1 + Number(id.slice(1));
}

function forgetOf(id: string): Change {
  return { kind: 'forget', id, from: 1, below: (names.get(id)?.rev ?? 0) + (names.size % 2) };
}

function logOf(engine: Engine): Commit[] {
  const snapshot = engine.snapshot();
  try {
    return [...snapshot.log(snapshot.logStart() - 1)];
  } finally {
    snapshot.close();
  }
}

function batchOf(commit: Commit) {
  return { commits: [commit], names: {}, logFrom: 1 };
}

function putOf(ref: number, id: string, fields: object, rev = 1) {
  const put = { ...documentOf(id, fields), _rev: rev };
  return { kind: 'put' as const, ref, id, rev, document: put, versioned: false };
}

function documentOf(id: number | string, fields: object): Document {
  return { _id: String(id), _type: 't', _rev: 1, ...fields } as Document;
}

function namesOf(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each) ? Object.entries(each) : each,
  );
}
