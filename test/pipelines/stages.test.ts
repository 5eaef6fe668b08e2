import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { answer, FaultServer } from '../support/fault-server.js';
import {
  chat,
  failure,
  integration,
  openStore,
  pipeline,
  prompt,
  runFailure,
  runStage,
  transformer,
} from './support.js';

let db: Jdbx;
let server: FaultServer;

beforeAll(async () => {
  db = await openStore();
  server = await FaultServer.start([answer(chat('forty-two'))]);
  await db.put([
    transformer('double', 'export default (n) => n * 2'),
    transformer('echo', 'export default (value) => value'),
    transformer('throw', 'function f() { throw new Error("no") }'),
    prompt('ask', 'Tell me about {topic}.', ['topic'], { model: 'asked-model', temperature: 0.3 }),
    integration('chat', server.url),
  ]);
});

afterAll(async () => {
  await db.close();
  await server.close();
});

describe('a transformer stage', () => {
  it('runs the function on the input and gives what it returns', async () => {
    expect(await runStage(db, { transformer: 'transformer:double' }, 21)).toBe(42);
  });

  it('passes dates and bytes both ways', async () => {
    const input = { at: new Date(5), bytes: new Uint8Array([1, 2, 255]) };
    expect(await runStage(db, { transformer: 'transformer:echo' }, input)).toEqual(input);
  });

  it('runs a module, an async function, and the entry that the document names', async () => {
    const run = (code: string, more = {}) => {
      const document = transformer(`entry-${code.length}`, code, more);
      return runStage(db, { transformer: document._id }, 3, [document]);
    };
    expect(await run('export default async function (n) { return n + 1 }')).toBe(4);
    expect(await run('const f = async (n) => (await 1) + n;')).toBe(4);
    expect(await run('function f(n) { return n } function g() {}', { entry: 'f' })).toBe(3);
  });

  it('hands in the prompt document that stands beside it', async () => {
    const code =
      'function f({ topic, prompt }) { return prompt.template.replace("{topic}", topic) }';
    const assembler = transformer('assemble', code);
    const stage = { transformer: assembler._id, template_ref: 'prompt:ask' };
    expect(await runStage(db, stage, { topic: 'tea' }, [assembler])).toBe('Tell me about tea.');
  });
});

describe('the arguments of a transformer', () => {
  const run = (code: string, input: unknown, more = {}) => {
    const document = transformer(`arguments-${code.length}`, code);
    return runStage(db, { transformer: document._id, ...more }, input, [document]);
  };

  it('are the whole input for the only parameter, whatever its name', async () => {
    expect(await run('function f(topic) { return topic }', { topic: 1 })).toEqual({ topic: 1 });
  });

  it('are found by their names when there are several, in the input and then the context', async () => {
    const code = 'function f(a, input) { return [a, input.b] }';
    expect(await run(code, { a: 1, b: 2 }, { inputs: { a: '$input.b' } })).toEqual([2, 2]);
  });

  it('may be missing where the parameter has a default', async () => {
    const code = 'function f(text, limit = 3, unit = "words") { return [text, limit, unit] }';
    expect(await run(code, { text: 'x' })).toEqual(['x', 3, 'words']);
    expect(await run(code, { text: 'x', limit: 9 })).toEqual(['x', 9, 'words']);
    expect(await run('function f(all, o = {}) { return [all, o] }', 7)).toEqual([7, {}]);
  });

  it('fail the stage by the name of one that is missing', async () => {
    const { code, message } = await runFailure(run('function f(a, b) { return a }', { a: 1 }));
    expect(code).toBe('MISSING_INPUT');
    expect(message).toContain('expected b');
  });

  it('fit destructuring and rest parameters', async () => {
    expect(await run('function f({ a, ...rest }) { return rest }', { a: 1, b: 2 })).toEqual({
      b: 2,
    });
    expect(await run('function f(...all) { return all }', 5)).toEqual([5]);
  });
});

describe('a prompt stage', () => {
  it('renders the template into what an integration stage takes', async () => {
    expect(await runStage(db, { prompt: 'prompt:ask' }, { topic: 'rain' })).toEqual({
      prompt: 'Tell me about rain.',
      model: 'asked-model',
      settings: { temperature: 0.3 },
    });
  });

  it('goes by template_ref too, and sees the context', async () => {
    const stage = { template_ref: 'prompt:ask', inputs: { other: 1 } };
    expect(await runStage(db, stage, { topic: 'snow' })).toMatchObject({
      prompt: 'Tell me about snow.',
    });
  });
});

describe('an integration stage', () => {
  it('sends its input and gives the response', async () => {
    server.play([answer(chat('a cup'))]);
    const output = await runStage(db, { integration: 'integration:chat' }, 'What is it?');
    expect(output).toMatchObject({
      text: 'a cup',
      model: 'test-model-1',
      finish: 'stop',
      usage: { input_tokens: 10, output_tokens: 5 },
    });
    expect(server.requests[0]?.body).toEqual({
      model: 'test-model',
      messages: [{ role: 'user', content: 'What is it?' }],
    });
  });

  it('renders the prompt beside it, and lets the stage overrule settings and model', async () => {
    server.play([answer(chat('x'))]);
    const stage = {
      integration: 'integration:chat',
      prompt: 'prompt:ask',
      model: 'stage-model',
      params: { max_tokens: 9 },
    };
    await runStage(db, stage, { topic: 'ink' });
    expect(server.requests[0]?.body).toEqual({
      model: 'stage-model',
      temperature: 0.3,
      max_tokens: 9,
      messages: [{ role: 'user', content: 'Tell me about ink.' }],
    });
  });

  it('takes a rendered prompt from the stage before, and of an earlier answer only the text', async () => {
    server.play([answer(chat('first')), answer(chat('second'))]);
    await db.put(
      pipeline('two-calls', [
        { name: 'ask', prompt: 'prompt:ask' },
        { name: 'one', integration: 'integration:chat' },
        { name: 'two', integration: 'integration:chat' },
      ]),
    );
    await db.run('pipeline:two-calls', { topic: 'oak' });
    expect(server.requests.map(({ body }) => [body.model, body.messages[0].content])).toEqual([
      ['asked-model', 'Tell me about oak.'],
      ['test-model', 'first'],
    ]);
  });

  it('refuses an input that says nothing', async () => {
    const nothing = runStage(db, { integration: 'integration:chat' }, { topic: 'x' });
    expect(await runFailure(nothing)).toMatchObject({ code: 'MISSING_INPUT', stage: 'stage' });
  });
});

describe('a pipeline stage', () => {
  it('runs another pipeline as a child run on its input', async () => {
    await db.put([
      pipeline('inner', [{ name: 'twice', transformer: 'transformer:double' }]),
      pipeline('outer', [
        { name: 'sub', pipeline: 'pipeline:inner', inputs: '$input.n' },
        { name: 'again', transformer: 'transformer:double' },
      ]),
    ]);
    const { id, output } = await db.run('pipeline:outer', { n: 5 });
    expect(output).toBe(20);
    expect(await db.runOf(`${id}/sub`)).toMatchObject({
      pipeline: 'pipeline:inner',
      parent: id,
      status: 'completed',
      output: 10,
    });
  });

  it("fails at the inner stage, with the inner stage's code", async () => {
    await db.put([
      pipeline('inner-bad', [{ name: 'deep', transformer: 'transformer:throw' }]),
      pipeline('outer-bad', [{ name: 'sub', pipeline: 'pipeline:inner-bad' }]),
    ]);
    const { code, stage, cause } = await runFailure(db.run('pipeline:outer-bad'));
    expect([code, stage, cause.code]).toEqual(['GUEST_ERROR', 'sub/deep', 'GUEST_ERROR']);
  });

  it('is refused where pipelines go round in a circle that nothing ends', async () => {
    await db.put(transformer('id', 'export default (n) => n'));
    await db.put(pipeline('a', [{ name: 'to-b', pipeline: 'pipeline:b' }]));
    await db.put(pipeline('b', [{ name: 'to-a', pipeline: 'pipeline:a' }]));
    const before = db.seq;
    expect(await failure(db.run('pipeline:a'))).toMatchObject({
      code: 'INVALID_PIPELINE',
      path: 'stages.0.pipeline (pipeline:b).stages.0.pipeline',
      message: expect.stringContaining('pipeline:a → pipeline:b → pipeline:a'),
    });
    expect(db.seq).toBe(before);
  });

  it('calls itself as long as a condition holds, and is bounded', async () => {
    const again = { name: 'again', when: { $gt: ['$input', 0] } };
    await db.put(
      pipeline('count-down', [
        { ...again, pipeline: 'pipeline:count-down', inputs: { $subtract: ['$input', 1] } },
      ]),
    );
    expect(await db.run('pipeline:count-down', 5)).toMatchObject({ status: 'completed' });
    const { code, stage } = await runFailure(db.run('pipeline:count-down', 50));
    expect(code).toBe('INVALID_PIPELINE');
    expect(stage?.split('/')).toHaveLength(17);
    expect(await db.query({ _type: 'run', status: 'running' }).count()).toBe(0);
  });

  it('nests under long names without running out of id', async () => {
    const name = 'ä'.repeat(100);
    await db.put([
      pipeline('deep-0', [{ name, transformer: 'transformer:double' }]),
      ...Array.from({ length: 8 }, (_, n) =>
        pipeline(`deep-${n + 1}`, [{ name, pipeline: `pipeline:deep-${n}` }]),
      ),
    ]);
    expect((await db.run('pipeline:deep-8', 4)).output).toBe(8);
  });
});

describe('a parallel stage', () => {
  it('runs its branches on the same input and gathers their outputs by name', async () => {
    const stage = {
      parallel: {
        left: [{ name: 'twice', transformer: 'transformer:double' }],
        right: [
          { name: 'twice', transformer: 'transformer:double' },
          { name: 'more', transformer: 'transformer:double' },
        ],
      },
    };
    expect(await runStage(db, stage, 3)).toEqual({ left: 6, right: 12 });
  });

  it('stops the other branches when one fails, and names the stage that did', async () => {
    const slow = transformer('slow', 'function f() { for (;;); }', {
      limits: { timeout_ms: 9_000 },
    });
    await db.put([
      slow,
      pipeline('race', [
        {
          name: 'both',
          parallel: {
            bad: [{ name: 'wrong', transformer: 'transformer:throw' }],
            long: [{ name: 'wait', transformer: slow._id }],
          },
        },
      ]),
    ]);
    const error = await runFailure(db.run('pipeline:race', {}, { key: 'race' }));
    expect(error).toMatchObject({ code: 'GUEST_ERROR', stage: 'both/bad/wrong' });
    const entries = await db.audit.query({ run: 'run:race', kind: 'stage' });
    expect(entries.map(({ path, status }) => `${path} ${status}`).sort()).toEqual([
      'both failed',
      'both/bad/wrong failed',
      'both/long/wait stopped',
    ]);
  });
});

describe('a map stage', () => {
  it('runs its stages for each element, in order of the elements', async () => {
    const stage = {
      map: {
        over: '$input.list',
        as: 'n',
        concurrency: 3,
        stages: [
          { name: 'twice', transformer: 'transformer:double' },
          { name: 'pair', transformer: 'transformer:echo', inputs: ['n', 'index', 'twice'] },
        ],
      },
    };
    expect(await runStage(db, stage, { list: [1, 2, 3, 4, 5] })).toEqual(
      [1, 2, 3, 4, 5].map((n, index) => ({ n, index, twice: n * 2 })),
    );
  });

  it('gives an empty list for an empty one, and refuses what is no list', async () => {
    const map = { over: '$input', stages: [{ name: 's', transformer: 'transformer:echo' }] };
    expect(await runStage(db, { map }, [])).toEqual([]);
    expect(await runFailure(runStage(db, { map }, 'text'))).toMatchObject({
      code: 'MISSING_INPUT',
      message: expect.stringContaining('expected an array, got a string'),
    });
  });

  it('keeps what its elements did when one of them fails, and does not repeat it', async () => {
    const count = transformer(
      'count-unless-7',
      `function f({ n }) {
        if (n === 7 && !db.get('switch:on')) throw new Error('not yet');
        return db.insert({ _id: 'tick:' + n, _type: 'tick' })._id;
      }`,
      { permissions: ['db.insert:tick', 'db.get'] },
    );
    const on = transformer('on', "function f() { db.put({ _id: 'switch:on', _type: 'switch' }) }", {
      permissions: ['db.put'],
    });
    await db.put([
      count,
      on,
      pipeline('elements', [
        {
          name: 'all',
          map: {
            over: { $range: [0, 10] },
            as: 'n',
            concurrency: 1,
            stages: [{ name: 'tick', transformer: count._id, inputs: ['n'] }],
          },
          retry: { attempts: 30, delay_ms: 20, backoff: 'constant' },
        },
      ]),
    ]);
    db.events.once('stage-end', () => void runStage(db, { transformer: on._id }));
    const { output } = await db.run('pipeline:elements');
    expect(output).toEqual(Array.from({ length: 10 }, (_, n) => `tick:${n}`));
    expect(await db.query({ _type: 'tick' }).count()).toBe(10);
  });

  it('nests in a map, a branch and a pipeline', async () => {
    await db.put([
      pipeline('row', [
        {
          name: 'cells',
          map: { over: '$input', stages: [{ name: 'twice', transformer: 'transformer:double' }] },
        },
      ]),
    ]);
    const stage = {
      parallel: {
        table: [
          {
            name: 'rows',
            map: { over: '$input', stages: [{ name: 'row', pipeline: 'pipeline:row' }] },
          },
        ],
      },
    };
    expect(await runStage(db, stage, [[1, 2], [], [3]])).toEqual({ table: [[2, 4], [], [6]] });
  });
});
