/** A second integration that is asked beside the first, or goes on where it broke off. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { answer, eventStream, FaultServer, hang, slow, status } from '../support/fault-server.js';
import { chat, integration, openStore, pipeline, runFailure, until } from './support.js';

let one: FaultServer;
let two: FaultServer;
let db: Jdbx;
beforeAll(async () => {
  [one, two] = await Promise.all([FaultServer.start([hang()]), FaultServer.start([hang()])]);
});
afterAll(() => Promise.all([one.close(), two.close()]));
beforeEach(async () => {
  db = await openStore();
  await db.put([
    integration('one', one.url),
    integration('two', two.url),
    {
      _id: 'orchestrator:both',
      _type: 'llm_orchestrator',
      fallback_chain: ['integration:one', 'integration:two'],
    },
  ]);
  return () => db.close();
});

const run = async (more: object) => {
  await db.put(pipeline('ask', [{ name: 'ask', integration: 'orchestrator:both', ...more }]));
  return db.run('pipeline:ask', 'What?', { key: 'r' });
};
const stageFacts = () => db.audit.query({ run: 'run:r', kind: 'stage' }).first();
const calls = () => db.audit.query({ run: 'run:r', kind: 'llm-call' });

const piece = (content: string) => ({ model: 'm', choices: [{ index: 0, delta: { content } }] });
const end = { model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };

describe('a hedged call', () => {
  it('asks the next one when the first is late; the loser is cut off and on record', async () => {
    let gone = false;
    one.play([(response) => void response.on('close', () => (gone = true))]);
    two.play([answer(chat('two'))]);
    expect((await run({ hedge: { after_ms: 20 } })).output).toMatchObject({ text: 'two' });
    await until(() => gone);
    expect(await stageFacts()).toMatchObject({ hedged: true, integration: 'integration:two' });
    expect(
      (await calls()).map(({ error }) => (error as { code: string } | undefined)?.code),
    ).toEqual(expect.arrayContaining([undefined, 'AbortError']));
    // It came second: nobody says that it failed.
    const costs = await db.costReport({ by: 'integration' });
    expect(costs.find(({ group }) => group === 'integration:one')).toMatchObject({
      calls: 1,
      failures: 0,
      cancelled: 1,
      unknown: 1,
    });
  });

  it('counts the loser in its budget: it may have been billed', async () => {
    one.play([hang()]);
    two.play([answer(chat('two'))]);
    await db.put({ _id: 'budget:b', _type: 'budget', limits: { tokens: 100_000 } });
    await run({ hedge: { after_ms: 10 }, budget: 'budget:b', params: { max_tokens: 50 } });
    const { spent, reserved } = (await db.get('budget:b')) as never as {
      spent: { calls: number; tokens: number };
      reserved?: { tokens: number };
    };
    expect(spent.calls).toBe(2);
    expect(spent.tokens).toBeGreaterThan(15 + 50);
    expect(reserved?.tokens ?? 0).toBe(0);
  });

  it('asks one alone that is in time, or fails in time and is fallen back from', async () => {
    one.play([answer(chat('one'))]);
    two.play([answer(chat('two'))]);
    expect((await run({ hedge: { after_ms: 60_000 } })).output).toMatchObject({ text: 'one' });
    expect(two.requests).toHaveLength(0);
    one.play([status(503)]);
    await db.put(
      pipeline('late', [
        { name: 'ask', integration: 'orchestrator:both', hedge: { after_ms: 60_000 } },
      ]),
    );
    expect((await db.run('pipeline:late', 'x')).output).toMatchObject({ text: 'two' });
  });

  it('waits for the other when one fails, and fails when both do', async () => {
    one.play([slow(60, answer(chat('one')))]);
    two.play([status(500)]);
    expect((await run({ hedge: { after_ms: 5 } })).output).toMatchObject({ text: 'one' });
    one.play([slow(40, status(503))]);
    await db.put(
      pipeline('bad', [{ name: 'ask', integration: 'orchestrator:both', hedge: { after_ms: 5 } }]),
    );
    expect(await runFailure(db.run('pipeline:bad', 'x'))).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
    });
  });

  it('is refused beside at_most_once', async () => {
    await expect(run({ hedge: { after_ms: 1 }, at_most_once: true })).rejects.toMatchObject({
      code: 'INVALID_PIPELINE',
      path: 'stages.0.hedge',
    });
  });
});

describe('a stream that breaks off', () => {
  const broken = [piece('The answer '), piece('is '), piece('for')];

  it('is gone on with by the next one, marked in the audit, where the stage says so', async () => {
    one.play([eventStream(broken, { cut: true })]);
    two.play([eventStream([piece('ty-two.'), end])]);
    const heard: string[] = [];
    db.events.on('model-event', ({ event, integration: who }) => {
      if (event.kind === 'text') heard.push(`${who.slice(-3)}:${event.text}`);
    });
    const { output } = await run({ rescue: true, stream: true });
    expect(output).toMatchObject({ text: 'The answer is forty-two.' });
    expect(heard.map((each) => each.slice(4)).join('')).toBe('The answer is forty-two.');
    expect(two.requests[0]?.body.messages.at(-2)).toEqual({
      role: 'assistant',
      content: 'The answer is for',
    });
    expect(await stageFacts()).toMatchObject({ rescued: { characters: 17 } });
    expect((await calls()).map(({ part }) => part)).toEqual([undefined, 'rescue']);
    expect((await db.replay('run:r')).same).toBe(true);
  });

  it('ends with the begun text where the next one’s API goes on from it', async () => {
    await db.put(integration('two', two.url, { prefill: true }));
    one.play([eventStream(broken, { cut: true })]);
    two.play([eventStream([piece('ty'), end])]);
    await run({ rescue: true });
    expect(two.requests[0]?.body.messages.at(-1).role).toBe('assistant');
  });

  it('is begun anew where the next one refuses to go on', async () => {
    one.play([eventStream(broken, { cut: true })]);
    two.play([status(400), eventStream([piece('Forty-two.'), end])]);
    expect((await run({ rescue: true })).output).toMatchObject({ text: 'Forty-two.' });
    expect(two.requests[1]?.body.messages).toHaveLength(1);
  });

  it('is begun anew where the stage does not say so', async () => {
    one.play([eventStream(broken, { cut: true })]);
    two.play([eventStream([piece('Forty-two.'), end])]);
    expect((await run({ stream: true })).output).toMatchObject({ text: 'Forty-two.' });
    expect(two.requests[0]?.body.messages).toHaveLength(1);
  });
});

describe('a fallback', () => {
  it('passes over those that lack what the request needs', async () => {
    await db.put(integration('one', one.url, { lacks: ['schema'], context_tokens: 1e6 }));
    one.play([answer(chat('"one"'))]);
    two.play([answer(chat('"two"'))]);
    const { output } = await run({ response_schema: { type: 'string' } });
    expect(output).toMatchObject({ output: 'two' });
    expect(one.requests).toHaveLength(0);
    await db.put(integration('two', two.url, { context_tokens: 10 }));
    const none = db.run('pipeline:ask', 'x');
    expect(await runFailure(none)).toMatchObject({ code: 'INVALID_INTEGRATION' });
  });
});
