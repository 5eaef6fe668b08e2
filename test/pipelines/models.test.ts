import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { answer, FaultServer, hang, status } from '../support/fault-server.js';
import {
  chat,
  integration,
  openStore,
  pipeline,
  runFailure,
  runGuest,
  runStage,
  transformer,
  withEnoughTime,
} from './support.js';

let db: Jdbx;
let one: FaultServer;
let two: FaultServer;

beforeAll(async () => {
  db = await openStore();
  one = await FaultServer.start([answer(chat('one'))]);
  two = await FaultServer.start([answer(chat('two'))]);
  await db.put([
    integration('one', one.url, { model: 'model-one', params: { temperature: 1 } }),
    integration('two', two.url, { model: 'model-two' }),
    { _id: 'integration:quote', _type: 'integration', provider: 'extractive' },
    { _id: 'integration:replay', _type: 'integration', provider: 'recorded' },
  ]);
});

afterAll(async () => {
  await db.close();
  await one.close();
  await two.close();
});

const orchestrator = (name: string, more: object) => ({
  _id: `orchestrator:${name}`,
  _type: 'llm_orchestrator',
  ...more,
});

describe('an orchestrator', () => {
  it('asks the integration that its strategy picks, by what the task says', async () => {
    const document = orchestrator('pick', {
      strategy: 'function pick(task) { return task.long ? "integration:two" : "integration:one" }',
    });
    const stage = { integration: document._id, inputs: '$input.text' };
    const run = (long: boolean) => runStage(db, stage, { task: { long }, text: 'hi' }, [document]);
    expect(await run(true)).toMatchObject({ text: 'two' });
    expect(await run(false)).toMatchObject({ text: 'one' });
  });

  it('follows its fallback chain while providers fail, each with a model of its own', async () => {
    one.play([status(503)]);
    two.play([answer(chat('two at last'))]);
    const document = orchestrator('chain', {
      strategy: 'function pick() { return "integration:one" }',
      fallback_chain: ['integration:one', 'integration:two'],
    });
    await db.put([
      document,
      pipeline('chain', [{ name: 'ask', integration: document._id, model: 'model-one' }]),
    ]);
    const { id, output } = await db.run('pipeline:chain', 'hi');
    expect(output).toMatchObject({ text: 'two at last' });
    expect([one.requests[0]?.body.model, two.requests[0]?.body.model]).toEqual([
      'model-one',
      'model-two',
    ]);
    expect(await db.audit.query({ run: id, kind: 'stage' }).first()).toMatchObject({
      integration: 'integration:two',
      status: 'done',
    });
    expect(await db.audit.query({ run: id, kind: 'llm-call' }).count()).toBe(2);
  });

  it('does not fall back where a provider refused what was said', async () => {
    one.play([status(400, {}, { error: { message: 'no', code: 'content_policy_violation' } })]);
    two.play([answer(chat('two'))]);
    const document = orchestrator('refused', {
      fallback_chain: ['integration:one', 'integration:two'],
    });
    const run = runStage(db, { integration: document._id }, 'hi', [document]);
    expect(await runFailure(run)).toMatchObject({ code: 'MODEL_REFUSED' });
    expect(two.requests).toHaveLength(0);
  });

  it.each([
    ['picks nothing', { strategy: 'function f() { return null }' }, 'GUEST_OUTPUT'],
    ['picks what is not there', { strategy: 'function f() { return "x:y" }' }, 'MISSING_DOCUMENT'],
    ['has neither strategy nor chain', {}, 'INVALID_INTEGRATION'],
    ['throws', { strategy: 'function f() { null.x }' }, 'GUEST_ERROR'],
  ])('that %s fails the stage', async (name, more, code) => {
    const document = orchestrator(name.replaceAll(' ', '-'), more);
    const run = runStage(db, { integration: document._id }, 'hi', [document]);
    expect(await runFailure(run)).toMatchObject({ code });
  });
});

describe('a recorded integration', () => {
  it('answers by the key that the stage names, and a miss is an error', async () => {
    await db.put({
      _id: 'recorded_call:1',
      _type: 'recorded_call',
      integration: 'integration:replay',
      key: 'question:1',
      response: { text: '42', usage: { input_tokens: 3, output_tokens: 1 } },
    });
    const stage = { integration: 'integration:replay', key: '$input.id', inputs: '$input.text' };
    const input = { id: 'question:1', text: 'How many?' };
    expect(await runStage(db, stage, input)).toMatchObject({ text: '42' });
    expect(await runFailure(runStage(db, stage, { ...input, id: 'question:2' }))).toMatchObject({
      code: 'RECORDING_MISSING',
    });
    expect(await runFailure(runStage(db, stage, { text: 'x' }))).toMatchObject({
      code: 'MISSING_INPUT',
    });
  });
});

describe('the passages of an extractive integration', () => {
  it('come from the stage’s context expression', async () => {
    const stage = { integration: 'integration:quote', inputs: '$input.q', context: '$input.facts' };
    const facts = ['The sky is blue.', 'Grass is green.'];
    expect(await runStage(db, stage, { q: 'What is green?', facts })).toMatchObject({
      text: 'Grass is green.',
      extra: { extractive: true },
    });
    const listed = { ...stage, context: ['$input.a', 'Snow is white.'] };
    expect(await runStage(db, listed, { q: 'What is white?', a: 'Coal is black.' })).toMatchObject({
      text: 'Snow is white.',
    });
  });
});

describe('llm.call from a guest', () => {
  const ask = (id: string, rights: string[]) =>
    runGuest(db, `function f() { return llm.call('${id}', 'hello').text }`, rights);

  it('answers, is audited and counted', async () => {
    one.play([answer(chat('hi there'))]);
    await db.put([
      transformer(
        'asks',
        `async function f() {
          const first = await llm.call('integration:one', { prompt: 'a', system: 's' });
          return [first.text, llm.call('integration:one', 'b').usage.output_tokens];
        }`,
        { permissions: ['llm.call'] },
      ),
      pipeline('asks', [{ name: 's', transformer: 'transformer:asks' }]),
    ]);
    const { id, output, usage } = await db.run('pipeline:asks');
    expect(output).toEqual(['hi there', 5]);
    expect(usage).toEqual({ input_tokens: 20, output_tokens: 10, cost_usd: 0, calls: 2 });
    expect(await db.audit.query({ run: id, kind: 'llm-call' }).count()).toBe(2);
    const keys = one.requests.map(({ headers }) => String(headers['idempotency-key']));
    expect(new Set(keys).size).toBe(2);
  });

  it('is kept to the integrations that a permission names, by id or type', async () => {
    expect(await ask('integration:one', ['llm.call:integration:one'])).toBe('hi there');
    expect(await ask('integration:one', ['llm.call:integration'])).toBe('hi there');
    const { code, cause } = await runFailure(ask('integration:one', ['llm.call:integration:two']));
    expect(code).toBe('PERMISSION_DENIED');
    expect(cause.details).toMatchObject({ permission: 'llm.call:integration:one' });
  });

  it('fails by a coded error that the guest may catch', async () => {
    one.play([status(500)]);
    const code = `function f() {
      try { llm.call('integration:one', 'x') } catch (error) { return error.code }
    }`;
    expect(await runGuest(db, code, ['llm.call'])).toBe('MODEL_UNAVAILABLE');
    expect(await runFailure(ask('integration:gone', ['llm.call']))).toMatchObject({
      code: 'MISSING_DOCUMENT',
    });
    expect(
      await runFailure(runGuest(db, 'function f() { llm.call(1) }', ['llm.call'])),
    ).toMatchObject({ code: 'MISSING_INPUT' });
  });

  it('that goes on while its stage times out is on record', async () => {
    one.play([hang()]);
    const code = "function f() { llm.call('integration:one', 'x') }";
    const waits = transformer('waits', code, { permissions: ['llm.call'] });
    const key = await withEnoughTime(
      async (timeout) => {
        const stage = { name: 's', transformer: 'transformer:waits', timeout };
        await db.put([waits, pipeline('waits', [stage])]);
        const run = db.run('pipeline:waits', {}, { key: `waits-${timeout}` });
        expect(await runFailure(run)).toMatchObject({ code: 'STAGE_TIMEOUT' });
        return `waits-${timeout}`;
      },
      () => one.requests.length > 0,
    );
    const calls = await db.audit.query({ run: `run:${key}`, kind: 'llm-call' });
    expect(calls).toMatchObject([{ error: { code: 'STAGE_TIMEOUT' } }]);
  });
});

describe('the transformers of an integration', () => {
  const shaped = (more: object) =>
    integration('shaped', one.url, { _type: 'llm_provider', model: 'm', ...more });

  it('shape the request and the response', async () => {
    one.play([answer(chat('  spaced  '))]);
    const documents = [
      shaped({ request_transformer: 'transformer:req', response_transformer: 'transformer:res' }),
      transformer(
        'req',
        `function f(request) {
          const messages = request.messages.map((m) => ({ ...m, content: m.content.toUpperCase() }));
          return { messages, settings: { ...request.settings, top_p: 0.5 } };
        }`,
      ),
      transformer(
        'res',
        'function f({ text }) { return { text: text.trim(), extra: { cut: 4 } } }',
      ),
    ];
    const stage = { integration: 'integration:shaped', params: { temperature: 0 } };
    expect(await runStage(db, stage, 'shout', documents)).toMatchObject({
      text: 'spaced',
      model: 'test-model-1',
      extra: { cut: 4 },
    });
    expect(one.requests[0]?.body).toEqual({
      model: 'm',
      temperature: 0,
      top_p: 0.5,
      messages: [{ role: 'user', content: 'SHOUT' }],
    });
  });

  it('may answer instead of a failed call, or let the error stand', async () => {
    one.play([status(503)]);
    const handler = transformer(
      'handler',
      'function f({ code, status }) { return status === 503 ? { text: "later: " + code } : null }',
    );
    const documents = [shaped({ error_handler: 'transformer:handler' }), handler];
    const stage = { integration: 'integration:shaped' };
    expect(await runStage(db, stage, 'x', documents)).toMatchObject({
      text: 'later: MODEL_UNAVAILABLE',
      extra: { handled: 'MODEL_UNAVAILABLE' },
    });
    one.play([status(400)]);
    expect(await runFailure(runStage(db, stage, 'x'))).toMatchObject({ code: 'MODEL_REFUSED' });
  });

  it('are pinned, and one that is missing is refused before the run', async () => {
    await db.put(shaped({ request_transformer: 'transformer:gone' }));
    await db.put(pipeline('shaped', [{ name: 'ask', integration: 'integration:shaped' }]));
    await expect(db.run('pipeline:shaped', 'x')).rejects.toMatchObject({
      code: 'MISSING_DOCUMENT',
      path: 'stages.0.integration (integration:shaped).request_transformer',
    });
  });

  it('must give a request or a response', async () => {
    one.play([answer(chat('x'))]);
    const documents = [
      shaped({ response_transformer: 'transformer:odd' }),
      transformer('odd', 'function f() { return 5 }'),
    ];
    const run = runStage(db, { integration: 'integration:shaped' }, 'x', documents);
    expect(await runFailure(run)).toMatchObject({ code: 'GUEST_OUTPUT' });
  });

  it('are refused in llm.call: one guest cannot wait for another', async () => {
    await db.put(shaped({ request_transformer: 'transformer:req' }));
    const code = "function f() { llm.call('integration:shaped', 'x') }";
    expect(await runFailure(runGuest(db, code, ['llm.call']))).toMatchObject({
      code: 'INVALID_INTEGRATION',
    });
  });
});

describe('the idempotency key', () => {
  it('is the same for every attempt of a stage, and another for another stage or run', async () => {
    one.play([status(500), answer(chat('x'))]);
    await db.put(
      pipeline('keys', [
        { name: 'a', integration: 'integration:one', retry: { attempts: 2, delay_ms: 1 } },
        { name: 'b', integration: 'integration:one' },
      ]),
    );
    await db.run('pipeline:keys', 'x');
    await db.run('pipeline:keys', 'x');
    const keys = one.requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toBe(keys[1]);
    expect(new Set(keys).size).toBe(4);
    expect(keys).toHaveLength(5);
  });
});

describe('a provider made of documents', () => {
  it.each(['host', 'Host', 'transfer-encoding', 'X-Forwarded-Host'])(
    'may not say by %s to whom the secret goes',
    async (name) => {
      const made = { headers: { [name]: 'elsewhere.example' }, body: {} };
      one.play([answer({ says: 'x' })]);
      await db.put([
        transformer('to', `function f() { return ${JSON.stringify(made)} }`),
        transformer('from', 'function f({ body }) { return { text: body.says } }'),
        integration('own', one.url, {
          provider: 'custom',
          request_transformer: 'transformer:to',
          response_transformer: 'transformer:from',
        }),
      ]);
      const run = runStage(db, { integration: 'integration:own' }, 'x');
      expect(await runFailure(run)).toMatchObject({ code: 'GUEST_OUTPUT' });
      expect(one.requests).toHaveLength(0);
    },
  );
});
