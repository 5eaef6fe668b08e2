import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import {
  chat,
  integration,
  openStore,
  pipeline,
  runFailure,
  transformer,
} from '../pipelines/support.js';
import { answer, FaultServer, status } from '../support/fault-server.js';

let db: Jdbx;
let server: FaultServer;

beforeAll(async () => {
  db = await openStore();
  server = await FaultServer.start([answer(chat('fine'))]);
  await db.put([
    integration('chat', server.url, { price: { input_per_million: 100, output_per_million: 0 } }),
    transformer('echo', 'export default (value) => value'),
  ]);
});

afterAll(async () => {
  await db.close();
  await server.close();
});

interface Session {
  readonly turns: number;
  readonly state: Record<string, unknown>;
  readonly usage?: Record<string, number>;
  readonly checkpoints?: readonly { state_ref: string; tokens_used: number }[];
}

const session = async (id: string) => (await db.get<Session>(id)) as Session;

async function put(name: string, stage: object): Promise<string> {
  await db.put(pipeline(name, [{ name: 'stage', transformer: 'transformer:echo', ...stage }]));
  return `pipeline:${name}`;
}

describe('a session', () => {
  it('is made when the run that names it begins', async () => {
    const id = await put('begin', {});
    await db.run(id, {}, { session: 'session:new' });
    expect(await session('session:new')).toMatchObject({
      _type: 'session',
      turns: 0,
      state: { token_count: 0 },
    });
  });

  it('is the one that the input names as session_id, unless the options say another', async () => {
    const id = await put('named', { session: { $inc: { 'state.runs': 1 } } });
    await db.run(id, { session_id: 'session:a' });
    await db.run(id, { session_id: 'session:a' }, { session: 'session:b' });
    expect([
      (await session('session:a')).state.runs,
      (await session('session:b')).state.runs,
    ]).toEqual([1, 1]);
  });

  it('keeps what its document held before, whatever its type’s spelling', async () => {
    await db.put({
      _id: 'session:old',
      _type: 'llm_session',
      project_id: 'p',
      state: { mood: 'ok' },
    });
    const id = await put('old', { session: { $set: { 'state.mood': '$stage.mood' } } });
    await db.run(id, { mood: 'fine' }, { session: 'session:old' });
    expect(await db.get('session:old')).toMatchObject({
      _type: 'llm_session',
      project_id: 'p',
      state: { mood: 'fine', token_count: 0 },
    });
  });
});

describe('what a stage changes in its session', () => {
  it('is given by update operators, with expressions over the context and its own output', async () => {
    const id = await put('operators', {
      inputs: { score: 0.5, tags: '$input.tags' },
      session: {
        $inc: { 'state.n': { $size: '$input.tags' } },
        $set: { 'state.score': '$stage.score', 'state.plain': 'text' },
        $push: { 'state.window': { $each: '$stage.tags', $slice: -3 } },
        $max: { 'state.best': '$stage.score' },
        $addToSet: { 'state.seen': { $first: '$input.tags' } },
      },
    });
    await db.run(id, { tags: ['a', 'b'] }, { session: 'session:ops' });
    await db.run(id, { tags: ['a', 'c'] }, { session: 'session:ops' });
    expect((await session('session:ops')).state).toEqual({
      token_count: 0,
      n: 4,
      score: 0.5,
      plain: 'text',
      window: ['b', 'a', 'c'],
      best: 0.5,
      seen: ['a'],
    });
  });

  it('is exact when many runs share one, also where it builds on what the session holds', async () => {
    const id = await put('shared', {
      session: {
        $inc: { 'state.count': 1 },
        $set: { 'state.sum': { $add: [{ $ifNull: ['$session.state.sum', 0] }, '$input.n'] } },
      },
    });
    const runs = Array.from({ length: 40 }, (_, n) =>
      db.run(id, { n: n + 1 }, { session: 'session:shared' }),
    );
    await Promise.all(runs);
    expect((await session('session:shared')).state).toMatchObject({ count: 40, sum: 820 });
  });

  it('is left out when the stage fails, is skipped, or has no session', async () => {
    await db.put(transformer('fail', 'function f() { throw new Error("x") }'));
    const change = { session: { $inc: { 'state.n': 1 } } };
    const failed = await put('fails', {
      ...change,
      transformer: 'transformer:fail',
      on_error: 'continue',
    });
    const skipped = await put('skips', { ...change, when: false });
    await db.run(failed, {}, { session: 'session:none' });
    await db.run(skipped, {}, { session: 'session:none' });
    await db.run(await put('without', change));
    expect((await session('session:none')).state).toEqual({ token_count: 0 });
  });

  it('fails the stage when it gives nothing, or does not fit', async () => {
    const nothing = await put('nothing', { session: { $set: { 'state.x': '$input.gone.by' } } });
    expect(await runFailure(db.run(nothing, {}, { session: 'session:bad' }))).toMatchObject({
      code: 'MISSING_INPUT',
      message: expect.stringContaining('stage.session.$set.state.x'),
    });
    const unfit = await put('unfit', { session: { $inc: { 'state.text': 1 } } });
    await db.put({ _id: 'session:bad', _type: 'session', state: { text: 'a' } });
    expect(await runFailure(db.run(unfit, {}, { session: 'session:bad' }))).toMatchObject({
      code: 'INVALID_UPDATE',
    });
    const type = await put('type', { session: { $set: { _type: 'credential' } } });
    expect(await runFailure(db.run(type, {}, { session: 'session:bad' }))).toMatchObject({
      code: 'INVALID_UPDATE',
    });
  });
});

describe('the talk in a session', () => {
  const ask = { transformer: undefined, integration: 'integration:chat', inputs: '$input.q' };

  it('is kept as turns, and goes before the next question as far as the stage says', async () => {
    server.play([answer(chat('A1')), answer(chat('A2')), answer(chat('A3'))]);
    const id = await put('talk', { ...ask, history: 2 });
    for (const q of ['Q1', 'Q2', 'Q3']) await db.run(id, { q }, { session: 'session:talk' });
    const said = server.requests.map(({ body }) =>
      body.messages.map(({ content }: { content: string }) => content).join(' '),
    );
    expect(said).toEqual(['Q1', 'Q1 A1 Q2', 'Q2 A2 Q3']);
    const turns = await db.query({ _type: 'turn', session: 'session:talk' }).sort({ n: 1 });
    expect(turns.map(({ n, role, content }) => [n, role, content].join(' '))).toEqual([
      '1 user Q1',
      '2 assistant A1',
      '3 user Q2',
      '4 assistant A2',
      '5 user Q3',
      '6 assistant A3',
    ]);
  });

  it('comes after the system’s message, and passes over turns without text', async () => {
    server.play([answer(chat('')), answer(chat('A'))]);
    const id = await put('system', {
      ...ask,
      inputs: { prompt: '$input.q', system: 'Be kind.' },
      history: 5,
    });
    for (const q of ['Q1', 'Q2']) await db.run(id, { q }, { session: 'session:system' });
    expect(server.requests[1]?.body.messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Q1' },
      { role: 'user', content: 'Q2' },
    ]);
  });

  it('goes before a question as far as it fits into a number of tokens', async () => {
    const words = (text: string) => text.split(' ').length;
    const counted = await openStore({ countTokens: words });
    const ask = { name: 'stage', integration: 'integration:chat', history: { tokens: 16 } };
    await counted.put([integration('chat', server.url), pipeline('window', [ask])]);
    const history = ['one two three four', 'five six', 'seven eight nine'].map((content) => ({
      role: 'user',
      content,
    }));
    await counted.put({ _id: 'session:long', _type: 'session', history });
    server.play([answer(chat('fine'))]);
    const { id } = await counted.run('pipeline:window', 'and now?', { session: 'session:long' });
    const said = server.requests[0]?.body.messages.map(
      ({ content }: { content: string }) => content,
    );
    expect(said).toEqual(['five six', 'seven eight nine', 'and now?']);
    const [entry] = await counted.audit.query({ run: id, kind: 'stage' });
    expect(entry?.history).toEqual({
      turns: 2,
      left_out: 1,
      tokens: 13, // five words, and four more for each turn
      counter: 'given',
      estimated: false,
    });
    await counted.close();
  });

  it('begins with the history that the session document holds itself', async () => {
    server.play([answer(chat('A'))]);
    await db.put({
      _id: 'session:inline',
      _type: 'session',
      history: [{ role: 'assistant', content: 'Welcome.' }],
    });
    const id = await put('inline', { ...ask, history: 5 });
    await db.run(id, { q: 'Q' }, { session: 'session:inline' });
    expect(
      server.requests[0]?.body.messages.map(({ content }: { content: string }) => content),
    ).toEqual(['Welcome.', 'Q']);
    await db.put({ _id: 'session:odd', _type: 'session', history: ['just text'] });
    const odd = db.run(id, { q: 'Q' }, { session: 'session:odd' });
    expect(await runFailure(odd)).toMatchObject({ code: 'MISSING_INPUT' });
  });

  it('of runs side by side keeps every turn, each under its own number', async () => {
    server.play([
      answer(({ body }: { body: { messages: { content: string }[] } }) =>
        chat(`to ${body.messages[0]?.content}`),
      ),
    ]);
    const id = await put('side', ask);
    const questions = Array.from({ length: 12 }, (_, n) => `q${n}`);
    await Promise.all(questions.map((q) => db.run(id, { q }, { session: 'session:side' })));
    const turns = await db.query({ _type: 'turn', session: 'session:side' }).sort({ n: 1 });
    expect(turns.map(({ n }) => n)).toEqual(Array.from({ length: 24 }, (_, n) => n + 1));
    const pairs = Array.from({ length: 12 }, (_, n) => [
      turns[2 * n]?.content,
      turns[2 * n + 1]?.content,
    ]);
    expect(pairs.every(([asked, said]) => said === `to ${asked}`)).toBe(true);
  });
});

describe('what a session has used', () => {
  it('is every call of every attempt, those of failed runs too', async () => {
    server.play([answer(chat('x')), status(500), answer(chat('y')), status(400)]);
    const id = await put('used', {
      transformer: undefined,
      integration: 'integration:chat',
      inputs: 'q',
      retry: { attempts: 3, delay_ms: 1 },
    });
    await db.run(id, {}, { session: 'session:used' });
    await db.run(id, {}, { session: 'session:used' });
    expect(await runFailure(db.run(id, {}, { session: 'session:used' }))).toMatchObject({
      code: 'MODEL_REFUSED',
    });
    const { usage, state, checkpoints, turns } = await session('session:used');
    expect(usage).toEqual({ input_tokens: 20, output_tokens: 10, cost_usd: 0.002, calls: 4 });
    expect([state.token_count, turns]).toEqual([30, 4]);
    expect(checkpoints?.map(({ tokens_used }) => tokens_used)).toEqual([15, 15]);
    expect(await db.get(String(checkpoints?.[0]?.state_ref))).toMatchObject({
      _type: 'checkpoint',
    });
    const runs = await db.query({ _type: 'run', session: 'session:used' });
    const calls = runs.map((run) => (run.usage as { calls: number }).calls);
    expect(calls.reduce((sum, n) => sum + n, 0)).toBe(4);
  });

  it('counts the calls of child runs once', async () => {
    server.play([answer(chat('x'))]);
    await put('child', { transformer: undefined, integration: 'integration:chat', inputs: 'q' });
    const id = await put('parent', { transformer: undefined, pipeline: 'pipeline:child' });
    const { usage } = await db.run(id, {}, { session: 'session:nested' });
    expect(usage.calls).toBe(1);
    expect((await session('session:nested')).usage?.calls).toBe(1);
  });
});
