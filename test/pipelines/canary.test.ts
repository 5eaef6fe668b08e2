/**
 * A canary secret goes through stages of every way to call: whole, streamed, with tools,
 * from the cache, through a provider made of documents, refused with its own words. Then it
 * is looked for in everything that the store holds and tells.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Jdbx, stringifyValue } from '#jdbx/index.js';
import { answer, echoAuth, eventStream, FaultServer, type Seen } from '../support/fault-server.js';
import { chat, integration, openStore, pipeline, transformer } from './support.js';

const CANARY = 'sk-canary/4+7=secret&value';
const FORMS = [
  CANARY,
  encodeURIComponent(CANARY),
  Buffer.from(CANARY).toString('base64').slice(0, 20),
];

let server: FaultServer;
let db: Jdbx;
const told: unknown[] = [];
beforeAll(async () => {
  server = await FaultServer.start([answer(chat('x'))]);
  db = await openStore({ env: { KEY: CANARY } });
  for (const name of ['run-end', 'stage-end', 'model-event'] as const) {
    db.events.on(name, (event: unknown) => told.push(event));
  }
});
afterAll(async () => {
  await db.close();
  await server.close();
});

const sent = ({ headers }: Seen) =>
  String(headers.authorization ?? headers['x-own-key']).replace('Bearer ', '');
const echo = (seen: Seen) => chat(`your key is ${sent(seen)}`);
const delta = (content: string) => ({ model: 'm', choices: [{ index: 0, delta: { content } }] });
const end = { model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };

it('appears nowhere', async () => {
  const cred = { credentials_ref: 'cred:key' };
  await db.put([
    { _id: 'cred:key', _type: 'credential', env: 'KEY' },
    integration('one', server.url, cred),
    integration('own', server.url, {
      ...cred,
      provider: 'custom',
      auth_header: 'x-own-key',
      request_transformer: 'transformer:to',
      response_transformer: 'transformer:from',
    }),
    transformer(
      'to',
      'function f(x) { return { body: { seen: JSON.stringify(x), of: Object.keys(globalThis).join() } } }',
    ),
    transformer('from', 'function f({ body }) { return { text: JSON.stringify(body) } }'),
    transformer('peek', 'function f() { return db.query({}).length }', {
      permissions: ['db.query'],
    }),
  ]);
  const ask = { name: 'ask', integration: 'integration:one' };
  const tools = ['transformer:peek'];
  const call = { id: 'c', type: 'function', function: { name: 'peek', arguments: '{}' } };
  const calling = {
    model: 'm',
    choices: [{ message: { role: 'assistant', content: CANARY, tool_calls: [call] } }],
  };
  const ways: [string, object, Parameters<FaultServer['play']>[0]][] = [
    ['whole', {}, [answer(echo)]],
    ['streamed', { stream: true }, [eventStream([...[...CANARY].map(delta), end])]],
    ['cached', { response_cache: { always: true } }, [answer(echo)]],
    ['again', { response_cache: { always: true } }, [answer(echo)]],
    ['shaped', { response_schema: { type: 'object' }, repair: true }, [answer(echo)]],
    ['tools', { tools }, [answer(calling), answer(echo)]],
    ['refused', {}, [echoAuth(401)]],
    ['custom', { integration: 'integration:own' }, [answer(echo)]],
    ['custom-refused', { integration: 'integration:own' }, [echoAuth(403)]],
  ];
  const seen: unknown[] = [];
  for (const [name, more, script] of ways) {
    server.play(script);
    await db.put(pipeline(name, [{ ...ask, ...more }]));
    seen.push(
      await db
        .run(`pipeline:${name}`, 'What?')
        .catch((error) => [error, String(error.stack), error.cause]),
    );
    expect(server.requests.every((request) => name === 'again' || sent(request) === CANARY)).toBe(
      true,
    );
  }
  const stored = [...(await db.query({})), ...(await db.audit.query({}))];
  expect(stored.length).toBeGreaterThan(60);
  const all = [
    ...stored.map((each) => stringifyValue(each as never)),
    JSON.stringify([seen, told]),
  ];
  for (const text of all) for (const form of FORMS) expect(text).not.toContain(form);
  expect(JSON.stringify(server.requests[0]?.body ?? '')).not.toContain(CANARY);
});
