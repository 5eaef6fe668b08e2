import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Document, Jdbx } from '#jdbx/index.js';
import { value } from '../../suites/arbitrary-values.ts';
import { openEmpty, streamOf, textOf } from './support.ts';

let db: Jdbx;
let other: Jdbx;
beforeEach(async () => {
  [db, other] = await Promise.all([openEmpty(), openEmpty()]);
});
afterEach(() => Promise.all([db.close(), other.close()]));

const all = async (of: Jdbx) => (await of.query<Document>({}).sort({ _id: 1 })).map(withoutRev);
const withoutRev = ({ _rev, ...body }: Document) => body;

describe('what was exported', () => {
  it.each(['jsonl', 'json'] as const)('as %s comes back equal by an import', async (format) => {
    // No document holds a property name with a null character.
    const storable = value.filter((each) => !/\\u0000[^"]*":/.test(JSON.stringify(each)));
    const values = fc.sample(storable, { seed: 5, numRuns: 300 });
    await db.put(values.map((each, n) => ({ _id: `n${n}`, _type: 'note', value: each })));
    const text = await textOf(db.export({}, { format }));
    await other.import({ text }, { format });
    expect(await all(other)).toEqual(await all(db));
    expect(await textOf(other.export({}, { format }))).toBe(text);
  });

  it('holds the audit trail, which an import leaves out', async () => {
    await db.put({
      _id: 'transformer:t',
      _type: 'transformer',
      code: 'function same(x) { return x; }',
    });
    await db.put({
      _id: 'pipeline:p',
      _type: 'pipeline',
      stages: [{ name: 's', transformer: 'transformer:t' }],
    });
    await db.run('pipeline:p', { n: 1 }, { key: 'k' });
    const result = await other.import(db.export());
    expect(result.skipped).toBe(await db.audit.query().count());
    expect(result.skipped).toBeGreaterThan(2);
    expect(await other.runOf('run:k')).toMatchObject({ status: 'completed', input: { n: 1 } });
    expect(await other.audit.verify()).toEqual({ ok: true, verified: 0 });
    expect((await other.check()).problems).toEqual([]);
  });

  it('names the variable of a credential, and never its secret', async () => {
    process.env.JDBX_TEST_SECRET = 'do-not-print-me';
    await db.put({ _id: 'credential:c', _type: 'credential', env: 'JDBX_TEST_SECRET' });
    const text = await textOf(db.export());
    expect(text).toContain('"env":"JDBX_TEST_SECRET"');
    expect(text).not.toContain('do-not-print-me');
  });
});

describe('an export', () => {
  it('is in the order of ids, by code points, with and without a filter', async () => {
    const ids = ['b', 'a', '\uffff', '😀', 'a\u0000', 'A'];
    await db.put(ids.map((_id) => ({ _id, _type: 'note' })));
    const idsOf = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)._id);
    const sorted = ['A', 'a', 'a\u0000', 'b', '\uffff', '😀'];
    expect(idsOf(await textOf(db.export({ _type: 'note' })))).toEqual(sorted);
    expect(idsOf(await textOf(db.export())).filter((id) => ids.includes(id))).toEqual(sorted);
  });

  it('shows one snapshot, whatever is written meanwhile', async () => {
    const pad = 'x'.repeat(1_000);
    const make = (text: string) =>
      Array.from({ length: 300 }, (_, n) => ({ _id: `n${n}`, _type: 'note', text, pad }));
    await db.put(make('old'));
    let text = '';
    for await (const piece of db.export({ _type: 'note' })) {
      if (text === '') await db.put(make('new'));
      text += piece;
    }
    expect(text.match(/"old"/g)).toHaveLength(300);
  });

  it('may be left early', async () => {
    for await (const _ of db.export()) break;
    await db.put({ _type: 'note' });
  });

  it('of nothing is empty in every format', async () => {
    const none = { _type: 'none' };
    expect(await textOf(db.export(none))).toBe('');
    expect(await textOf(db.export(none, { format: 'json' }))).toBe('[]\n');
    expect(await textOf(db.export(none, { format: 'csv' }))).toBe('');
  });

  it('refuses a filter that the query language does not know', async () => {
    await expect(textOf(db.export({ $foo: 1 }))).rejects.toThrow(/INVALID_FILTER/);
  });
});

describe('CSV', () => {
  it('has a column for each field, a dot for each step, and quotes what needs it', async () => {
    await db.put([
      { _id: 'a', _type: 'note', n: 1, text: 'x, "y"\nz', deep: { b: true, list: [1, 2] } },
      { _id: 'b', _type: 'note', more: ' ', at: new Date(0), raw: new Uint8Array([1]), no: null },
    ]);
    const text = await textOf(db.export({ _type: 'note' }, { format: 'csv' }));
    expect(text).toBe(
      '_id,_type,_rev,n,text,deep.b,deep.list,more,at,raw,no\n' +
        'a,note,1,1,"x, ""y""\nz",true,"[1,2]",,,,\n' +
        'b,note,1,,,,," ",1970-01-01T00:00:00.000Z,AQ==,\n',
    );
  });

  it('of numbers, booleans, text and objects comes back equal', async () => {
    await db.put([
      { _id: 'a', _type: 'note', n: -1.5e-7, yes: true, deep: { er: { text: '01' } } },
      { _id: 'b', _type: 'note', n: 3, text: 'a\r\n"b"', deep: { er: { n: 0 } } },
    ]);
    const csv = db.export({ _type: 'note' }, { format: 'csv' });
    await other.import(streamOf(await textOf(csv)), { format: 'csv' });
    expect(await all(other)).toEqual(await all(db));
  });
});
