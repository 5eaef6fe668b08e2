import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { failureOf, openEmpty, streamOf, withFile } from './support.ts';

let db: Jdbx;
beforeEach(async () => {
  db = await openEmpty();
});
afterEach(() => db.close());

const rows = () => db.query({ _type: 'row' }).sort({ _id: 1 }).toArray();

describe('CSV', () => {
  it('types what would be written the same way again, and leaves empty cells out', async () => {
    const text =
      'n,text,flag,code,big,float,gap\n1,"a, ""b""",true,01,12345678901234567890,1.50,\n';
    await db.import({ text }, { type: 'row', id: 'n' });
    expect(await rows()).toEqual([
      {
        _id: 'row:1',
        _type: 'row',
        _rev: 1,
        n: 1,
        text: 'a, "b"',
        flag: true,
        code: '01',
        big: '12345678901234567890',
        float: '1.50',
      },
    ]);
  });

  it('keeps everything as text when asked to', async () => {
    await db.import({ text: 'n,flag\n1,true' }, { type: 'row', format: 'csv', types: 'text' });
    expect(await rows()).toMatchObject([{ n: '1', flag: 'true' }]);
  });

  it('keeps `_id` and `_type` as text, whatever they look like', async () => {
    await db.import({ text: '_id,_type,n\n1,row,2' });
    expect(await db.get('1')).toMatchObject({ _type: 'row', n: 2 });
  });

  it('reads a dot in the header as a step into an object', async () => {
    await db.import(
      { text: 'metrics.rate,metrics.by.day,name\n0.5,3,x\n,,y' },
      { type: 'row', id: 'name' },
    );
    expect(await rows()).toMatchObject([
      { name: 'x', metrics: { rate: 0.5, by: { day: 3 } } },
      { name: 'y' },
    ]);
    expect((await rows())[1]).not.toHaveProperty('metrics');
  });

  it('minds line breaks in quotes, CRLF and a byte order mark', async () => {
    const text = '\ufeffname,text\r\na,"x\r\ny"\r\n\r\nb,"line ""1""\nline 2"\r\n';
    await withFile('rows.csv', text, (path) => db.import(path, { type: 'row', id: 'name' }));
    expect(await rows()).toMatchObject([
      { name: 'a', text: 'x\r\ny' },
      { name: 'b', text: 'line "1"\nline 2' },
    ]);
  });

  it('takes another delimiter', async () => {
    await db.import({ text: 'a;b\n1;2' }, { type: 'row', delimiter: ';' });
    expect(await rows()).toMatchObject([{ a: 1, b: 2 }]);
  });

  it('may be cut anywhere', async () => {
    const units = 'name,text\r\na,"x\r\ny"\r\n'.split('');
    await db.import(streamOf(...units), { format: 'csv', type: 'row' });
    expect(await rows()).toMatchObject([{ name: 'a', text: 'x\r\ny' }]);
  });

  it.each([
    ['', 0],
    ['a,b\n', 0],
    ['a,b\n1,2', 1],
  ])('text %j gives %i documents', async (text, documents) => {
    expect(await db.import({ text }, { format: 'csv', type: 'row' })).toMatchObject({ documents });
  });

  it.each([
    ['a,b\r\n1,"x\r\ny"\r\n\r\n3\r\n', 'line 5', 'expected 2 cells as in the header, got 1'],
    ['a,b\n1,2,3\n', 'line 2', 'expected 2 cells'],
    ['a,b\n1,2\n3,"x\n4,5\n', 'line 3', 'expected the quote that opens here to be closed'],
    ['a,b\n1,2\n3,"x"y\n4,5\n', 'line 3', 'after a closing quote'],
    ['a,b\n1,2\n3,x"y"\n4,5\n', 'line 3', 'a quote only at the start of a cell'],
    ['a,,b\n', 'line 1', 'a name for column 2'],
    ['a,__proto__.x\n', 'line 1', 'a name for column 2'],
    ['a,b,a\n', 'line 1', 'expected each column once, got a again'],
    ['a.b,a\n', 'line 1', 'expected a to be a value or an object, got a.b beside it'],
  ])('text %j is refused at %s', async (text, path, message) => {
    const error = await failureOf(db.import({ text }, { format: 'csv', type: 'row' }));
    expect(error.code).toBe('INVALID_IMPORT');
    expect(error.path).toBe(path);
    expect(error.message).toContain(message);
    expect(await rows()).toEqual([]);
  });

  it('without a type anywhere says what is missing, and where', async () => {
    const error = await failureOf(db.import({ text: 'a,b\n1,2' }));
    expect(error.message).toContain('the option "type" (line 2 of the text)');
  });
});
