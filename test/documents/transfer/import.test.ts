import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImportProgress, Jdbx } from '#jdbx/index.js';
import { failureOf, openEmpty, streamOf, withFile } from './support.ts';

let db: Jdbx;
beforeEach(async () => {
  db = await openEmpty();
});
afterEach(() => db.close());

const lines = (count: number, make: (n: number) => object) =>
  Array.from({ length: count }, (_, n) => `${JSON.stringify(make(n))}\n`).join('');
const count = () => db.query({ _type: 'note' }).count();

describe('ids', () => {
  it('are made of a field, or of a template, instead of those in the text', async () => {
    const text = '{"_id":"x","sku":7,"shop":{"name":"a"}}\n';
    await db.import({ text }, { type: 'note', id: 'sku' });
    await db.import({ text }, { type: 'note', id: 'item:{shop.name}-{sku}-{#}' });
    expect((await db.query({ _type: 'note' })).map(({ _id }) => _id).sort()).toEqual([
      'item:a-7-1',
      'note:7',
    ]);
  });

  it('need a value to be made of', async () => {
    const error = await failureOf(db.import({ text: '{"a":1}' }, { type: 'note', id: 'sku' }));
    expect(error.message).toBe(
      'INVALID_DOCUMENT at sku: expected text or a number to make the _id of, got nothing (line 1 of the text)',
    );
  });
});

describe('documents that are there already', () => {
  beforeEach(() => db.put({ _id: 'a', _type: 'note', text: 'old' }));

  it('are replaced, or left alone when they are equal', async () => {
    const text = '{"_id":"a","_type":"note","text":"new","_rev":9}';
    expect(await db.import({ text })).toMatchObject({ documents: 1, unchanged: 0 });
    expect(await db.import({ text })).toMatchObject({ documents: 1, unchanged: 1 });
    expect(await db.get('a')).toMatchObject({ text: 'new', _rev: 2 });
  });

  it('are refused in mode insert, before anything is written', async () => {
    const text = `${lines(1_500, (n) => ({ _id: `n${n}`, _type: 'note' }))}{"_id":"a","_type":"note"}`;
    const error = await failureOf(db.import({ text }, { mode: 'insert' }));
    expect(error).toMatchObject({ code: 'DUPLICATE_ID', details: { line: 1_501, imported: 0 } });
    expect(await count()).toBe(1);
  });

  it('are refused as a conflict when their revision is to be checked', async () => {
    const text = '{"_id":"a","_type":"note","_rev":5}';
    const error = await failureOf(db.import({ text }, { checkRev: true }));
    expect(error).toMatchObject({ code: 'CONFLICT', details: { line: 1, found: 1 } });
  });
});

describe('the store’s own rules', () => {
  const schema = {
    _id: 'schema:note',
    _type: 'schema',
    type: 'note',
    schema: { type: 'object', properties: { n: { maximum: 1_800 } } },
  };
  const text = lines(2_000, (n) => ({ _id: `n${n}`, _type: 'note', n }));

  it('hold before anything is written', async () => {
    await db.put(schema);
    const error = await failureOf(db.import({ text }));
    expect(error).toMatchObject({ code: 'SCHEMA_VIOLATION', path: 'n' });
    expect(error.details).toMatchObject({ line: 1_802, imported: 0 });
    expect(await count()).toBe(0);
  });

  it('give way to a schema that the text brings itself', async () => {
    await db.put(schema);
    const looser = { ...schema, schema: { type: 'object' } };
    await db.import({ text: `${JSON.stringify(looser)}\n${text}` });
    expect(await count()).toBe(2_000);
  });

  it('that only the write shows name the line and what stays', async () => {
    await db.put({
      _id: 'index:note.k',
      _type: 'index',
      type: 'note',
      key: { k: 1 },
      unique: true,
    });
    const twice = lines(1_500, (n) => ({ _id: `n${n}`, _type: 'note', k: n === 1_200 ? 0 : n }));
    const error = await failureOf(db.import({ text: twice }));
    expect(error.code).toBe('DUPLICATE_KEY');
    expect(error.details).toMatchObject({ line: 1_201, imported: 1_000 });
    expect(await count()).toBe(1_000);
    expect((await db.check()).ok).toBe(true);
  });

  it('undo an atomic import whole, also of a stream', async () => {
    await db.put({
      _id: 'index:note.k',
      _type: 'index',
      type: 'note',
      key: { k: 1 },
      unique: true,
    });
    const twice = lines(1_500, (n) => ({ _id: `n${n}`, _type: 'note', k: n === 1_200 ? 0 : n }));
    const before = db.seq;
    const error = await failureOf(db.import(streamOf(twice), { atomic: true, format: 'jsonl' }));
    expect(error.details).toMatchObject({ line: 1_201, imported: 0 });
    expect([await count(), db.seq]).toEqual([0, before]);
  });

  it('bound an atomic import', async () => {
    const text = lines(10_001, () => ({ _type: 'note' }));
    const error = await failureOf(db.import({ text }, { atomic: true }));
    expect(error.code).toBe('TRANSACTION_TOO_LARGE');
    expect(await count()).toBe(0);
  });
});

it('tells of its progress in both phases', async () => {
  const seen: ImportProgress[] = [];
  const text = lines(20_000, (n) => ({ _type: 'note', n, pad: 'x'.repeat(30) }));
  await withFile('notes.jsonl', text, (path) =>
    db.import(path, { onProgress: (progress) => seen.push(progress) }),
  );
  expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['check', 'write']));
  expect(seen.at(-1)?.bytes).toBe(text.length);
  expect(seen.every(({ totalBytes }) => totalBytes === text.length)).toBe(true);
});

it('ends when its signal aborts, even while it waits for bytes', async () => {
  const abort = new AbortController();
  const never = async function* () {
    yield '{"_id":"a","_type":"note"}\n';
    setImmediate(() => abort.abort(new Error('enough')));
    await new Promise(() => {});
  };
  const importing = db.import(never(), { format: 'jsonl', signal: abort.signal });
  await expect(importing).rejects.toThrow('enough');
  expect(await count()).toBe(0);
});
