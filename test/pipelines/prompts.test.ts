import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx, NewDocument } from '#jdbx/index.js';
import { openStore, prompt, runFailure, runStage } from './support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
});

afterAll(() => db.close());

let count = 0;
async function render(template: string, variables: string[], input: object, more: object = {}) {
  const document: NewDocument = prompt(`p-${++count}`, template, variables, more);
  const output = await runStage(db, { prompt: document._id }, input, [document]);
  return (output as { prompt: string }).prompt;
}

describe('a template', () => {
  it('replaces the names in its variables, with paths, and leaves every other brace alone', async () => {
    const template = '{name}: {name} of {place.city.0} {other} {"json": {"a": 1}} {} { name }';
    expect(
      await render(template, ['name', 'place'], { name: 'Ada', place: { city: ['London'] } }),
    ).toBe('Ada: Ada of London {other} {"json": {"a": 1}} {} { name }');
  });

  it('puts anything but text in as JSON, and text as it is', async () => {
    const input = { list: [1, { a: true }], text: '{list} $& $1', n: 0, no: false };
    expect(await render('{list} {text} {n} {no}', ['list', 'text', 'n', 'no'], input)).toBe(
      '[1,{"a":true}] {list} $& $1 0 false',
    );
  });

  it('fails by the path of a value that is missing or null', async () => {
    for (const [template, path] of [
      ['{topic}', 'topic'],
      ['{task.name}', 'task.name'],
      ['{nothing}', 'nothing'],
    ] as const) {
      const run = render(template, ['topic', 'task', 'nothing'], { task: {}, nothing: null });
      expect(await runFailure(run)).toMatchObject({
        code: 'MISSING_VARIABLE',
        message: expect.stringContaining(`expected a value for {${path}}`),
      });
    }
  });

  it('renders system beside it', async () => {
    const document = prompt('system', 'Go, {name}.', ['name'], { system: 'You are {name}.' });
    expect(await runStage(db, { prompt: document._id }, { name: 'Bo' }, [document])).toEqual({
      prompt: 'Go, Bo.',
      system: 'You are Bo.',
    });
  });
});

describe('a prompt document that cannot be rendered', () => {
  it.each([
    ['an engine that is not known', { engine: 'handlebars' }, 'engine'],
    ['variables that are no list', { variables: 'topic' }, 'variables'],
  ])('fails the stage for %s', async (_, more, path) => {
    const run = render('{topic}', ['topic'], { topic: 1 }, more);
    expect((await runFailure(run)).cause).toMatchObject({ code: 'INVALID_DOCUMENT', path });
  });

  it('fails the stage when it has neither template nor generator', async () => {
    const document = { _id: 'prompt:empty', _type: 'prompt' };
    const run = runStage(db, { prompt: document._id }, {}, [document]);
    expect(await runFailure(run)).toMatchObject({ code: 'INVALID_DOCUMENT' });
  });
});

describe('a Liquid template', () => {
  const liquid = { engine: 'liquid' };

  it('has loops, conditions and filters over its variables', async () => {
    const template =
      '{% for w in words %}{% if w != "b" %}{{ w | upcase }};{% endif %}{% endfor %}';
    expect(await render(template, ['words'], { words: ['a', 'b', 'c'] }, liquid)).toBe('A;C;');
  });

  it('sees no name that is not among its variables', async () => {
    const run = render('{{ secret }}', ['open'], { open: 1, secret: 2 }, liquid);
    expect(await runFailure(run)).toMatchObject({ code: 'MISSING_VARIABLE' });
  });

  it('fails for a variable without a value, and for a template that does not parse', async () => {
    expect(await runFailure(render('x', ['gone'], {}, liquid))).toMatchObject({
      code: 'MISSING_VARIABLE',
    });
    expect(await runFailure(render('{% if %}', [], {}, liquid))).toMatchObject({
      code: 'INVALID_DOCUMENT',
    });
  });

  it('reads no files and reaches no prototypes', async () => {
    for (const template of ['{% render "package.json" %}', '{% include "/etc/hostname" %}']) {
      expect(await runFailure(render(template, [], {}, liquid))).toMatchObject({
        code: 'INVALID_DOCUMENT',
      });
    }
    expect(
      await runFailure(render('{{ o.constructor.name }}', ['o'], { o: {} }, liquid)),
    ).toMatchObject({ code: 'MISSING_VARIABLE' });
  });

  it('is bounded in time', async () => {
    const template =
      '{% for a in (1..100000) %}{% for b in (1..100000) %}x{% endfor %}{% endfor %}';
    expect(await runFailure(render(template, [], {}, liquid))).toMatchObject({
      code: 'INVALID_DOCUMENT',
    });
  });
});

describe('a generator', () => {
  const generated = (generator: string, input: object, more: object = {}) => {
    const document = { _id: `prompt:g-${++count}`, _type: 'prompt_template', generator, ...more };
    return runStage(db, { prompt: document._id }, input, [document]);
  };

  it('gets its parameters by their names and gives the text', async () => {
    const code = 'function g(session, task) { return session.name + ": " + task.title; }';
    const input = { session: { name: 'S' }, task: { title: 'T' } };
    expect(await generated(code, input)).toEqual({ prompt: 'S: T' });
  });

  it('gets the whole input where its only parameter has no name of it', async () => {
    expect(await generated('function g(params) { return params.a }', { a: 'x' })).toEqual({
      prompt: 'x',
    });
    expect(await generated('function g(task) { return String(task) }', { task: null })).toEqual({
      prompt: 'null',
    });
  });

  it('may give a whole request, and its document’s settings go with it', async () => {
    const code = 'function g() { return { messages: [{ role: "user", content: "hi" }] } }';
    expect(await generated(code, {}, { temperature: 0, model: 'm' })).toEqual({
      messages: [{ role: 'user', content: 'hi' }],
      model: 'm',
      settings: { temperature: 0 },
    });
  });

  it('has the rights that its document lists, and its writes are the stage’s', async () => {
    await db.put({ _id: 'integration:quote', _type: 'integration', provider: 'extractive' });
    const document = {
      _id: 'prompt:writes',
      _type: 'prompt_template',
      generator: 'function g() { db.put({ _id: "note:g", _type: "note" }); return "a\\n\\nb" }',
      permissions: ['db.put:note'],
    };
    const stage = { integration: 'integration:quote', prompt: document._id };
    await runStage(db, stage, {}, [document]);
    expect(await db.get('note:g')).toMatchObject({ _rev: 1 });
  });
});
