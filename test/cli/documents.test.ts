import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { linesOf, Place } from './support.ts';

// One store for the whole file: each test goes on from where the one before it left it.
const place = new Place();
afterAll(() => place[Symbol.dispose]());
const jdbx = (args: readonly string[], input?: string) => place.run(args, input);

describe('a store that is not there', () => {
  it('is not made by a command that reads', async () => {
    const ended = await jdbx(['query', '{}']);
    expect(ended).toMatchObject({ code: 3, out: '' });
    expect(ended.err).toBe(`STORE_MISSING: expected a store in ${place.store}\n`);
    expect(readdirSync(place.directory)).toEqual([]);
  });
});

describe('documents', () => {
  it('are put from an argument, a file or the standard input, and got', async () => {
    writeFileSync(
      place.path('two.json'),
      '[{"_id":"n:2","_type":"note","n":2},{"_id":"n:3","_type":"note"}]',
    );
    expect(linesOf(await jdbx(['put', '{"_id":"n:1","_type":"note","text":"ä"}']))).toEqual([
      { _id: 'n:1', _type: 'note', _rev: 1 },
    ]);
    expect(linesOf(await jdbx(['put', `@${place.path('two.json')}`]))).toHaveLength(2);
    const prompt = (text: string) => `{"_id":"prompt:p","_type":"prompt","template":"${text}"}`;
    await jdbx(['put'], prompt('one'));
    await jdbx(['put', '-'], prompt('two'));
    const got = await jdbx(['get', 'n:1']);
    expect(got).toEqual({
      code: 0,
      signal: null,
      out: '{"_id":"n:1","_type":"note","_rev":1,"text":"ä"}\n',
      err: '',
    });
  });

  it('that are not there are an exit code of 1 and nothing on the output', async () => {
    const ended = await jdbx(['get', 'nope']);
    expect(ended).toMatchObject({ code: 1, out: '', err: 'NOT_FOUND: there is no nope\n' });
  });

  it('are found by a filter', async () => {
    const sorted = ['query', '{"_type":"note"}', '--sort', '{"_id":-1}'];
    const found = await jdbx([...sorted, '--skip', '1', '--limit', '1', '--project', '{"n":1}']);
    expect(linesOf(found)).toEqual([{ _id: 'n:2', n: 2 }]);
    expect((await jdbx(['query', '{"_type":"note"}', '--count'])).out).toBe('3\n');
    const [explained] = linesOf(await jdbx(['query', '{"_type":"note"}', '--explain']));
    expect(explained).toMatchObject({ plan: 'type-scan', returned: 3 });
  });

  it('are a table for people', async () => {
    const { out } = await jdbx(['query', '{"_type":"note"}', '--no-json']);
    const [head, first] = out.split('\n');
    expect(head).toMatch(/^_id +_type +_rev +text +n$/);
    expect(first).toMatch(/^n:1 +note +1 +ä$/);
  });

  it('are updated and removed, and none that matches is an exit code of 1', async () => {
    const one = await jdbx(['update', 'n:1', '{"$set":{"n":1}}']);
    expect(linesOf(one)).toEqual([{ matched: 1, modified: 1 }]);
    const many = await jdbx([
      'update',
      '{"_type":"note"}',
      '{"$inc":{"n":10}}',
      '--many',
      '--no-json',
    ]);
    expect(many.out).toBe('3 matched, 3 changed\n');
    expect(await jdbx(['remove', '{"_type":"note","n":{"$gt":11}}', '--many'])).toMatchObject({
      code: 0,
      out: '{"removed":1}\n',
    });
    expect(await jdbx(['remove', 'nope'])).toMatchObject({ code: 1, out: '{"removed":0}\n' });
    expect(await jdbx(['update', 'nope', '{"$set":{"n":1}}'])).toMatchObject({ code: 1 });
  });

  it('that are versioned have a history, and come back', async () => {
    const history = linesOf(await jdbx(['history', 'prompt:p']));
    expect(history).toMatchObject([{ rev: 1 }, { rev: 2, document: { template: 'two' } }]);
    const [old] = linesOf(await jdbx(['get', 'prompt:p', '--rev', '1']));
    expect(old).toMatchObject({ template: 'one' });
    expect(linesOf(await jdbx(['restore', 'prompt:p', '1']))).toMatchObject([{ _rev: 3 }]);
    expect(await jdbx(['restore', 'prompt:p', '9'])).toMatchObject({ code: 1, out: '' });
  });

  it('with a revision that is not the current one are refused', async () => {
    const ended = await jdbx(['put', '{"_id":"n:1","_type":"note","_rev":1}']);
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(/^CONFLICT: expected revision 1 of n:1, found revision 3\n$/);
  });
});

describe('import and export', () => {
  it('take CSV in, and give a table out', async () => {
    writeFileSync(place.path('q.csv'), 'question_id,text,meta.level\n1,"What, now?",3\n02,Why?,\n');
    const args = ['import', place.path('q.csv'), '--type', 'question', '--id', 'question_id'];
    expect(linesOf(await jdbx(args))).toMatchObject([{ documents: 2, unchanged: 0 }]);
    expect((await jdbx([...args, '--no-json'])).out).toMatch(/^2 documents, 2 of them unchanged; /);
    const file = place.path('out.csv');
    await jdbx(['export', '{"_type":"question"}', '-o', file]);
    expect(readFileSync(file, 'utf8')).toBe(
      '_id,_type,_rev,question_id,text,meta.level\n' +
        'question:02,question,1,02,Why?,\n' +
        'question:1,question,1,1,"What, now?",3\n',
    );
    expect(readdirSync(place.directory)).not.toContain('out.csv.part');
  });

  it('carry one store into another', async () => {
    using other = new Place();
    const exported = await jdbx(['export']);
    expect(await other.run(['import', '-'], exported.out)).toMatchObject({ code: 0 });
    const body = ({ _rev, ...rest }: Record<string, unknown>) => rest;
    expect(linesOf(await other.run(['export'])).map(body)).toEqual(linesOf(exported).map(body));
  });

  it('name the line of a bad file, and write nothing of it', async () => {
    writeFileSync(place.path('bad.csv'), '_id,n\nx:1,1\nx:2,2,3\n');
    const ended = await jdbx(['import', place.path('bad.csv'), '--type', 'x', '--json']);
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(JSON.parse(ended.err)).toEqual({
      code: 'INVALID_IMPORT',
      message: 'INVALID_IMPORT at line 3: expected 2 cells as in the header, got 3',
      path: 'line 3',
      details: { line: 3, imported: 0 },
    });
    writeFileSync(place.path('bad.jsonl'), '{"_id":"x:1","_type":"x"}\n{"_type":"x",}\n');
    const json = await jdbx(['import', place.path('bad.jsonl')]);
    expect(json).toMatchObject({ code: 2, out: '' });
    expect(json.err).toBe(
      'INVALID_IMPORT at line 2: expected a property name in double quotes, got "}" in column 14\n',
    );
    expect((await jdbx(['query', '{"_type":"x"}', '--count'])).out).toBe('0\n');
  });
});

describe('the store as a whole', () => {
  it('is checked and counted', async () => {
    const check = await jdbx(['check']);
    expect(check.code).toBe(0);
    expect(linesOf(check)).toMatchObject([{ ok: true, problems: [] }]);
    expect((await jdbx(['check', '--no-json'])).out).toMatch(/: sound\n$/);
    expect(linesOf(await jdbx(['stats']))).toMatchObject([{ types: { note: 2, question: 2 } }]);
  });

  it('ends quietly when nobody reads on', async () => {
    const many = Array.from(
      { length: 3_000 },
      (_, n) => `{"_type":"pad","n":${n},"pad":"${'x'.repeat(100)}"}\n`,
    );
    await jdbx(['import', '-', '--format', 'jsonl'], many.join(''));
    const { child, ended } = place.start(['export']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });

  it('that something else stands in the way of is an exit code of 3', async () => {
    const ended = await jdbx(['stats', '-s', place.path('q.csv')]);
    expect(ended.code).toBe(3);
    expect(ended.err).toMatch(/^STORE_(MISSING|FOREIGN): /);
  });
});

describe('misuse', () => {
  it.each([
    [
      ['query', '{foo: 1}'],
      /^USAGE: FILTER is not JSON: .* got "foo" at line 1, column 2\n {2}\{foo: 1\}\n {3}\^\n$/,
    ],
    [['query', '[]'], /^USAGE: expected FILTER to be a JSON object/],
    [['query', '{"$foo":1}'], /^INVALID_FILTER at \$foo: /],
    [['query', '{}', '--limit', 'x'], /^USAGE: expected a whole number, got "x"\n$/],
    [['quary'], /^USAGE: unknown command 'quary'\n\(Did you mean query\?\)\n$/],
    [['get'], /^USAGE: missing required argument 'id'\n$/],
    [['put', '@/no/such'], /^USAGE: expected a file at \/no\/such: ENOENT/],
    [['put', '{"text":1}'], /^INVALID_DOCUMENT at _type: /],
    [['update', 'n:1', '{"$foo":1}'], /^INVALID_UPDATE/],
    [['audit'], /^USAGE: expected a run, or --verify\n$/],
  ])('%j is an exit code of 2 and says why', async (args, message) => {
    const ended = await jdbx(args);
    expect(ended.err).toMatch(message);
    expect(ended).toMatchObject({ code: 2, out: '' });
  });
});

it('helps, names its version and completes in three shells', async () => {
  const help = await jdbx(['import', '--help']);
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toContain('Examples:');
  expect((await jdbx(['--help'])).out).toContain('Exit codes:');
  expect((await jdbx(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  for (const shell of ['bash', 'zsh', 'fish']) {
    expect((await jdbx(['completion', shell])).out).toMatch(/query.*--explain|query.*-l explain/s);
  }
});
