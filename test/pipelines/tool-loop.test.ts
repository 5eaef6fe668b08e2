/** Answers that fit a schema, and models that call tools, over a provider on loopback. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx, NewDocument, RunDocument } from '#jdbx/index.js';
import { answer, FaultServer, type Seen } from '../support/fault-server.js';
import {
  chat,
  integration,
  openStore,
  pipeline,
  prompt,
  runFailure,
  runStage,
  transformer,
} from './support.js';

let server: FaultServer;
let db: Jdbx;
beforeAll(async () => {
  server = await FaultServer.start([answer(chat('x'))]);
});
afterAll(() => server.close());
beforeEach(async () => {
  db = await openStore();
  await db.put(
    integration('one', server.url, { price: { input_per_million: 1, output_per_million: 1 } }),
  );
  return () => db.close();
});

const ask = { integration: 'integration:one' };
const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer' } },
  required: ['city', 'people'],
};

interface Call {
  readonly id?: string;
  readonly name: string;
  readonly args: unknown;
}

/** An answer that calls tools, as OpenAI gives it. */
function calling(...calls: Call[]): object {
  const tool_calls = calls.map(({ id, name, args }, index) => ({
    id: id ?? `c${index}`,
    type: 'function',
    function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
  }));
  return {
    model: 'test-model-1',
    choices: [
      { message: { role: 'assistant', content: null, tool_calls }, finish_reason: 'tool_calls' },
    ],
    usage: { prompt_tokens: 10, completion_tokens: 5 },
  };
}

const results = ({ body }: Seen) =>
  body.messages.filter(({ role }: { role: string }) => role === 'tool');

describe('an answer with a schema', () => {
  it('is asked for in the provider’s words, and its JSON stands as output', async () => {
    server.play([answer(chat('{"city":"Bern","people":134000}'))]);
    const output = await runStage(db, { ...ask, response_schema: schema }, 'Largest?');
    expect(output).toMatchObject({ output: { city: 'Bern', people: 134000 } });
    expect(server.requests[0]?.body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { name: 'answer', schema },
    });
  });

  it('may come in a fenced block, and the schema from the prompt or the input', async () => {
    server.play([answer(chat('```json\n{"city":"Bern","people":1}\n```'))]);
    const asked = prompt('city', 'Which?', [], { response_schema: { name: 'place', schema } });
    expect(await runStage(db, { ...ask, template_ref: 'prompt:city' }, {}, [asked])).toMatchObject({
      output: { city: 'Bern' },
    });
    expect(server.requests[0]?.body.response_format.json_schema.name).toBe('place');
    expect(await runStage(db, ask, { prompt: 'x', response_schema: schema })).toMatchObject({
      output: { people: 1 },
    });
  });

  it.each([
    ['lacks a field', '{"city":"Bern"}', 'people'],
    ['has one of another type', '{"city":"Bern","people":"many"}', 'people'],
    ['is no JSON', 'Bern, I think', undefined],
    ['says nothing', '', undefined],
  ])('that %s is a coded error', async (_, text, path) => {
    server.play([answer(chat(text))]);
    const { code, cause } = await runFailure(
      runStage(db, { ...ask, response_schema: schema }, 'x'),
    );
    expect([code, cause.path]).toEqual(['MODEL_OUTPUT', path]);
    expect(server.requests).toHaveLength(1);
  });

  it('is mended once where the stage says so: the model is told what is wrong', async () => {
    server.play([answer(chat('{"city":"Bern"}')), answer(chat('{"city":"Bern","people":2}'))]);
    await db.put(
      pipeline('mend', [{ name: 'ask', ...ask, response_schema: schema, repair: true }]),
    );
    const { id, output, usage } = await db.run('pipeline:mend', 'x');
    expect(output).toMatchObject({ output: { people: 2 } });
    expect(usage.calls).toBe(2);
    const [, second] = server.requests;
    expect(second?.body.messages.at(-2)).toEqual({ role: 'assistant', content: '{"city":"Bern"}' });
    expect(second?.body.messages.at(-1).content).toContain('people');
    const calls = await db.audit.query({ run: id, kind: 'llm-call' });
    expect(calls.map(({ part }) => part)).toEqual([undefined, 'repair']);
    expect(await db.replay(id)).toMatchObject({ same: true });
    server.play([answer(chat('{}'))]);
    const again = runStage(db, { ...ask, response_schema: schema, repair: true }, 'x');
    expect(await runFailure(again)).toMatchObject({ code: 'MODEL_OUTPUT' });
    expect(server.requests).toHaveLength(2);
  });

  it('is refused before any call when the schema is none', async () => {
    const wrong = { type: 'no such type' };
    await expect(
      db.put(pipeline('wrong', [{ name: 's', ...ask, response_schema: wrong }])),
    ).rejects.toMatchObject({ code: 'INVALID_PIPELINE', path: 'stages.0.response_schema' });
    server.play([answer(chat('x'))]);
    const run = runStage(db, ask, { prompt: 'x', response_schema: wrong });
    expect(await runFailure(run)).toMatchObject({ code: 'INVALID_PIPELINE' });
    expect(server.requests).toHaveLength(0);
  });
});

describe('a model that calls tools', () => {
  const tools: NewDocument[] = [
    transformer('add', 'function f({ a, b }) { return a + b }', {
      description: 'Adds.',
      parameters: {
        type: 'object',
        properties: { a: { type: 'number' }, b: { type: 'number' } },
        required: ['a', 'b'],
      },
    }),
    transformer('fail', 'function f() { throw new Error("out of order") }'),
  ];
  const stage = { name: 'ask', ...ask, tools: ['transformer:add', 'transformer:fail'] };
  const run = async (more: object = {}, options: object = {}) => {
    await db.put([...tools, pipeline('tools', [{ ...stage, ...more }])]);
    return db.run('pipeline:tools', 'What is 2 + 3, and 4 + 5?', options);
  };

  it('may call many at once, and nobody is warned of it', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const calls = Array.from({ length: 40 }, (_, b) => ({ name: 'add', args: { a: 1, b } }));
    server.play([answer(calling(...calls)), answer(chat('done'))]);
    await run();
    expect(results(server.requests[1] as Seen).at(-1)).toMatchObject({ content: '40' });
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('gets the results of parallel calls, and answers', async () => {
    server.play([
      answer(calling({ name: 'add', args: { a: 2, b: 3 } }, { name: 'add', args: { a: 4, b: 5 } })),
      answer(chat('5 and 9')),
    ]);
    await db.put({ _id: 'session:s', _type: 'session' });
    const { id, output, usage } = await run({}, { session: 'session:s' });
    expect(output).toMatchObject({
      text: '5 and 9',
      turns: 2,
      usage: { input_tokens: 20, output_tokens: 10 },
    });
    expect(usage).toMatchObject({ calls: 2, input_tokens: 20 });
    const [first, second] = server.requests as [Seen, Seen];
    expect(first.body.tools).toMatchObject([
      { type: 'function', function: { name: 'add', description: 'Adds.' } },
      { type: 'function', function: { name: 'fail' } },
    ]);
    expect(results(second)).toEqual([
      { role: 'tool', tool_call_id: 'c0', content: '5' },
      { role: 'tool', tool_call_id: 'c1', content: '9' },
    ]);
    const done = await db.audit.query({ run: id, kind: 'stage', status: 'done' });
    expect(done.map(({ path }) => path).sort()).toEqual([
      'ask',
      'ask/turn-1',
      'ask/turn-1/call-0',
      'ask/turn-1/call-1',
      'ask/turn-2',
    ]);
    expect(await db.query({ _type: 'turn', session: 'session:s' }).count()).toBe(2);
    expect((await db.replay(id)).same).toBe(true);
  });

  it.each([
    ['that fail', { name: 'fail', args: {} }, 'out of order'],
    ['with arguments that do not fit', { name: 'add', args: { a: 1 } }, 'TOOL_ARGUMENTS at b'],
    ['with arguments that are no object', { name: 'add', args: '[1' }, 'JSON object'],
    ['that do not exist', { name: 'sub', args: {} }, 'expected one of add, fail'],
  ])('is told of calls %s', async (_, call, text) => {
    server.play([answer(calling(call)), answer(chat('sorry'))]);
    expect((await run()).output).toMatchObject({ text: 'sorry' });
    const [told] = results(server.requests[1] as Seen);
    expect(told.content).toContain(text);
  });

  it('tells calls apart that came under one id', async () => {
    const call = { id: 'same', name: 'add', args: { a: 1, b: 1 } };
    server.play([answer(calling(call, call)), answer(chat('2'))]);
    await run();
    const ids = results(server.requests[1] as Seen).map(
      ({ tool_call_id }: { tool_call_id: string }) => tool_call_id,
    );
    expect(new Set(ids).size).toBe(2);
  });

  it('is stopped after max_turns', async () => {
    server.play([answer(calling({ name: 'add', args: { a: 1, b: 1 } }))]);
    const { code, cause } = await runFailure(run({ max_turns: 3 }));
    expect(code).toBe('TOOL_TURNS');
    expect(cause.path).toBe('ask.max_turns');
    expect(server.requests).toHaveLength(3);
  });

  it('is bound by its budget in every turn', async () => {
    server.play([answer(calling({ name: 'add', args: { a: 1, b: 1 } }))]);
    await db.put({ _id: 'budget:two', _type: 'budget', limits: { calls: 2 } });
    expect(await runFailure(run({ budget: 'budget:two' }))).toMatchObject({
      code: 'BUDGET_EXCEEDED',
    });
    expect(server.requests).toHaveLength(2);
    expect(await db.get('budget:two')).toMatchObject({
      spent: { calls: 2 },
      reserved: { calls: 0 },
    });
  });

  it('may be told which tool to call, in its first turn', async () => {
    server.play([answer(calling({ name: 'add', args: { a: 1, b: 1 } })), answer(chat('2'))]);
    await run({ tool_choice: { name: 'add' } });
    const choices = server.requests.map(({ body }) => body.tool_choice);
    expect(choices).toEqual([{ type: 'function', function: { name: 'add' } }, undefined]);
  });

  it('answers by a schema in the end', async () => {
    server.play([
      answer(calling({ name: 'add', args: { a: 1, b: 1 } })),
      answer(chat('{"city":"x"}')),
      answer(chat('{"city":"x","people":2}')),
    ]);
    const { output } = await run({ response_schema: schema, repair: true });
    expect(output).toMatchObject({ output: { people: 2 } });
  });

  it('waits for a person where a tool does, and asks nothing twice', async () => {
    await db.put(pipeline('approve', [{ name: 'ok', wait: { answer: { question: 'May I?' } } }]));
    server.play([answer(calling({ name: 'approve', args: {} })), answer(chat('done'))]);
    await db.put(pipeline('waits', [{ name: 'ask', ...ask, tools: ['pipeline:approve'] }]));
    const run = await db.start('pipeline:waits', 'Go on', { key: 'w' });
    let wait: { run: string; path: string } | undefined;
    while (!wait) {
      wait = (await db.waits({ kind: 'answer' }).first()) as never;
      if (!wait) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await db.get<RunDocument>(run)).toMatchObject({ status: 'waiting' });
    await db.answer(wait.run, wait.path, 'yes');
    expect((await db.ended(run)).output).toMatchObject({ text: 'done' });
    expect(server.requests).toHaveLength(2);
  });

  it('is refused when two tools go by one name, or a tool is missing', async () => {
    const twin = {
      ...tools[0],
      _id: 'tool:add',
      _type: 'tool',
      transformer: 'transformer:add',
      code: undefined,
    } as never;
    await db.put([...tools, twin]);
    expect(
      await runFailure(runStage(db, { ...ask, tools: ['transformer:add', 'tool:add'] }, 'x')),
    ).toMatchObject({ code: 'INVALID_DOCUMENT' });
    await expect(runStage(db, { ...ask, tools: ['tool:gone'] }, 'x')).rejects.toMatchObject({
      code: 'MISSING_DOCUMENT',
      path: 'stages.0.tools.0',
    });
  });
});
