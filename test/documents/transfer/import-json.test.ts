import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { failureOf, openEmpty, streamOf, withFile } from './support.ts';

let db: Jdbx;
beforeEach(async () => {
  db = await openEmpty();
});
afterEach(() => db.close());

const notes = () => db.query({ _type: 'note' }).sort({ _id: 1 }).toArray();
const count = () => db.query({ _type: 'note' }).count();

describe('JSON lines', () => {
  it('are read with a byte order mark, CRLF, blank lines and no last line end', async () => {
    const text =
      '\ufeff{"_id":"a","_type":"note","text":"ä€😀"}\r\n\r\n  \n{"_id":"b","_type":"note"}';
    const result = await db.import({ text });
    expect(result).toMatchObject({ documents: 2, unchanged: 0, skipped: 0 });
    expect(result.bytes).toBe(Buffer.byteLength(text));
    expect(await notes()).toEqual([
      { _id: 'a', _type: 'note', _rev: 1, text: 'ä€😀' },
      { _id: 'b', _type: 'note', _rev: 1 },
    ]);
  });

  it('hold dates and bytes as Extended JSON', async () => {
    const text =
      '{"_id":"a","_type":"note","at":{"$date":"2026-01-31T10:00:00.000Z"},"raw":{"$binary":"AQI="}}';
    await db.import({ text });
    const note = await db.get('a');
    expect(note?.at).toEqual(new Date('2026-01-31T10:00:00Z'));
    expect(note?.raw).toEqual(new Uint8Array([1, 2]));
  });

  it('may be cut anywhere when they come as a stream of bytes or of text', async () => {
    const bytes = Buffer.from(
      '{"_id":"a","_type":"note","text":"ä€😀"}\n{"_id":"b","_type":"note"}\n',
    );
    await db.import(streamOf(...Array.from(bytes, (byte) => Uint8Array.of(byte))));
    expect((await db.get('a'))?.text).toBe('ä€😀');
    const units = '{"_id":"c","_type":"note","text":"😀"}'.split('');
    await db.import(streamOf(...units), { format: 'jsonl' });
    expect((await db.get('c'))?.text).toBe('😀');
  });

  it('name the line and the place of a fault, and write nothing', async () => {
    const good = Array.from({ length: 2_500 }, (_, n) => `{"_id":"n${n}","_type":"note"}\n`).join(
      '',
    );
    await withFile('bad.jsonl', `${good}\n{"_id": "x", "_type" "note"}\n`, async (path) => {
      const error = await failureOf(db.import(path));
      expect(error.code).toBe('INVALID_IMPORT');
      expect(error.path).toBe('line 2502');
      expect(error.message).toContain('expected a colon, got "\\"" in column 22');
      expect(error.details).toEqual({ line: 2502, imported: 0 });
    });
    expect(await count()).toBe(0);
  });

  it('that come as a stream keep the commits before the fault, and say how many', async () => {
    const good = Array.from({ length: 2_500 }, (_, n) => `{"_id":"n${n}","_type":"note"}\n`).join(
      '',
    );
    const error = await failureOf(db.import(streamOf(good, 'oops\n'), { format: 'jsonl' }));
    expect(error.details).toEqual({ line: 2501, imported: 2_000 });
    expect(await count()).toBe(2_000);
  });

  it.each([
    [
      '{"_type":"note"}\n"text"',
      'INVALID_DOCUMENT',
      'expected an object, got a string (line 2 of the text)',
    ],
    ['{"_type":"note"}\n{"x":1}', 'INVALID_DOCUMENT', 'expected a _type in the text'],
    ['{"_type":"note"}\n{"_type":1}', 'INVALID_DOCUMENT', '(line 2 of the text)'],
    ['{"_type":"note"}\n{"_type":"note","__proto__":1}', 'INVALID_DOCUMENT', '__proto__'],
    ['{"_type":"note"}\n{"_type":"note","at":{"$date":"x"}}', 'INVALID_DOCUMENT', 'at at:'],
    ['{"_type":"note"}\n{"_type":"pipeline","stages":[]}', 'INVALID_PIPELINE', 'at stages:'],
    ['{"_type":"note"}\n{"_type":"credential","env":"sk-12"}', 'INVALID_DOCUMENT', 'at env:'],
    [
      '{"_type":"note"}\n{"_type":"transformer","code":"function ("}',
      'GUEST_SYNTAX',
      '(line 2 of the text)',
    ],
    [
      '{"_id":"a","_type":"note"}\n{"_id":"a","_type":"note"}',
      'INVALID_IMPORT',
      'a stands on line 1',
    ],
  ])('refuse %j', async (text, code, message) => {
    const error = await failureOf(db.import({ text }, { format: 'jsonl' }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject({ line: 2, imported: 0 });
    expect(await count()).toBe(0);
  });

  it('refuse bytes that are not UTF-8, with their line', async () => {
    const bytes = Buffer.from('{"_type":"note"}\n{"_type":"note","text":"\xff"}\n', 'latin1');
    await withFile('bad.jsonl', bytes, async (path) => {
      const error = await failureOf(db.import(path));
      expect(error.message).toBe('INVALID_IMPORT at line 2: expected UTF-8 text');
    });
  });

  it('refuse a line over the limit without collecting it', async () => {
    const piece = Buffer.alloc(2 ** 20, 'x');
    const endless = async function* () {
      yield '{"_id":"a","_type":"note"}\n{"text":"';
      for (;;) yield piece;
    };
    const error = await failureOf(db.import(endless(), { format: 'jsonl' }));
    expect(error).toMatchObject({ code: 'INVALID_IMPORT', path: 'line 2' });
  });
});

describe('JSON', () => {
  it.each([
    ['[]', 0],
    ['', 0],
    ['  \n', 0],
    ['[{"_type":"note"}, {"_type":"note"}]', 2],
    ['[\n  {\n    "_type": "note",\n    "text": "]} \\" ["\n  }\n,{"_type":"note"}]\n', 2],
    ['{\n  "_type": "note"\n}', 1],
    ['{"_type":"note"}{"_type":"note"}\n{"_type":"note"}', 3],
  ])('text %j gives %i documents', async (text, documents) => {
    await withFile('notes.json', text, async (path) => {
      expect(await db.import(path)).toMatchObject({ documents });
    });
    expect(await count()).toBe(documents);
  });

  it.each([
    ['[{"_type":"note"}\n{"_type":"note"}]', 'line 2', 'a comma or ], got "{" in column 1'],
    ['[{"_type":"note"},\n]', 'line 2', 'expected an object, got "]"'],
    ['[{"_type":"note"},\n\n', 'line 2', 'closed by ]'],
    ['[{"_type":"note"}]\n{}', 'line 2', 'expected the end of the text'],
    ['[\n {"_type":"note"},\n {"a": [1,\n 2}]', 'line 4', 'a comma or ], got "}" in column 3'],
    ['[\n  {"a" 1}]', 'line 2', 'a colon, got "1" in column 8'],
    ['[\n{"_type": "note\n"}, {"_type":"note"}]', 'line 2', 'control characters'],
    ['[1]', 'line 1', 'expected an object'],
    ['{"_type":"note"', 'line 1', 'expected a comma or }, got the end of the text'],
  ])('text %j is refused at %s', async (text, path, message) => {
    const error = await failureOf(db.import({ text }, { format: 'json' }));
    expect(error.code).toBe('INVALID_IMPORT');
    expect(error.path).toBe(path);
    expect(error.message).toContain(message);
    expect(await count()).toBe(0);
  });
});

describe('the format', () => {
  it.each([
    ['{"_type":"note"}\n{"_type":"note"}', 2],
    ['\n\n[{"_type":"note"}]', 1],
    ['{\n"_type":"note"}', 1],
    ['_type,text\nnote,hello', 1],
  ])('of %j is found by its beginning', async (text, documents) => {
    expect(await db.import({ text })).toMatchObject({ documents });
  });

  it('that cannot be found is asked for', async () => {
    const error = await failureOf(db.import({ text: '\nhello\n' }));
    expect(error).toMatchObject({ code: 'INVALID_IMPORT', path: 'line 2' });
  });
});

describe('misuse', () => {
  it('of a source or an option is a TypeError', async () => {
    await expect(db.import(5 as never)).rejects.toThrow(TypeError);
    await expect(db.import(streamOf(5 as never))).rejects.toThrow(TypeError);
    await expect(db.import({ text: '' }, { format: 'xml' as never })).rejects.toThrow(/jsonl/);
    await expect(db.import({ text: '' }, { typ: 'note' } as never)).rejects.toThrow(/typ$/);
    expect(() => db.export({}, { format: 'xml' as never })).toThrow(TypeError);
  });

  it('a file that is not there, or is a directory, is named', async () => {
    expect(await failureOf(db.import('/no/such.jsonl'))).toMatchObject({ code: 'INVALID_IMPORT' });
    expect((await failureOf(db.import('/'))).message).toContain('it is a directory');
  });
});
