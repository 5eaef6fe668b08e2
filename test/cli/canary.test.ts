/**
 * A secret that a provider repeats in every field of its answers, and that was sealed or stands
 * in the environment, is looked for in all that commands print and in every file of the store,
 * while a call is under way and after.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { seal } from '#jdbx/llm/sealing.js';
import { DIMS } from '../support/embedding-server.js';
import {
  answer,
  type Behaviour,
  echoAuth,
  eventStream,
  FaultServer,
  garbage,
  type Seen,
  slow,
} from '../support/fault-server.js';
import { type Line, Place } from './support.js';

const CANARY = 'sk-canary/4+7=secret&value';
const SEAL_KEY = randomBytes(32);
const KEY_TEXT = SEAL_KEY.toString('base64');
const FORMS = [
  CANARY,
  'sk-canary',
  encodeURIComponent(CANARY),
  Buffer.from(CANARY).toString('base64').slice(0, 20),
  KEY_TEXT,
];

const place = new Place();
const env = { CANARY_KEY: CANARY, JDBX_SEAL_KEY: KEY_TEXT };
let server: FaultServer;
beforeAll(async () => {
  Object.assign(process.env, env);
  server = await FaultServer.start([echoAuth()]);
});
afterAll(async () => {
  for (const name of Object.keys(env)) delete process.env[name];
  await server.close();
  place[Symbol.dispose]();
});

function expectClean(text: string, where: string): void {
  for (const form of FORMS) {
    const at = text.indexOf(form);
    const found = at < 0 ? '' : `${where}: ${text.slice(Math.max(0, at - 60), at + 60)}`;
    expect(found).toBe('');
  }
}

/** Every file, byte for byte. @returns how many there were */
function expectCleanFiles(directory: string): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true });
  const names = files.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  for (const name of names) expectClean(readFileSync(name, 'latin1'), name);
  return names;
}

/** Runs commands; nothing that they print holds the secret. @returns their exit codes */
async function jdbx(lines: readonly Line[]): Promise<number[]> {
  const { code, out, err } = await place.runMany(lines);
  expectClean(out, 'the output');
  expectClean(err, 'the error stream');
  expect(code).toBe(0);
  return [...err.matchAll(/^::ended (\d+)$/gm)].map(([, ended]) => Number(ended));
}

const secretOf = ({ headers }: Seen) => String(headers.authorization).replace('Bearer ', '');

/** The secret in every place that an answer has. */
const everywhere = (seen: Seen, tools: readonly string[] = []) => {
  const secret = secretOf(seen);
  const call = (name: string, n: number) => ({
    id: `${secret}-${n}`,
    type: 'function',
    function: { name, arguments: JSON.stringify({ said: secret, [secret]: 1 }) },
  });
  return {
    id: secret,
    model: secret,
    system_fingerprint: secret,
    choices: [
      {
        message: {
          role: 'assistant',
          content: `your key is ${secret}`,
          reasoning_content: secret,
          ...(tools.length === 0 ? {} : { tool_calls: tools.map(call) }),
        },
        finish_reason: tools.length === 0 ? 'stop' : 'tool_calls',
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, [secret]: 1, note: secret },
  };
};
const echo = answer(everywhere, { 'x-request-id': CANARY });
const calling = answer((seen: Seen) => everywhere(seen, ['note', CANARY]));
const streamed: Behaviour = (response, seen) => {
  const secret = secretOf(seen);
  const delta = (content: string) => ({
    id: secret,
    model: secret,
    choices: [{ index: 0, delta: { content, reasoning_content: content } }],
  });
  const end = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  return eventStream([...[...secret].map(delta), end])(response, seen);
};

const transformer = (name: string, code: string, more: object = {}) => ({
  _id: `transformer:${name}`,
  _type: 'transformer',
  code,
  ...more,
});
const asking = (name: string, more: object = {}) => ({
  _id: `pipeline:${name}`,
  _type: 'pipeline',
  stages: [{ name: 'ask', integration: 'integration:env', inputs: { prompt: name }, ...more }],
});
/** Asks, and waits for whoever steers it. */
const waiting = (name: string, ...waits: readonly object[]) => {
  const stages = waits.map((wait, n) => ({ name: `wait-${n}`, wait }));
  const asked = asking(name);
  return { ...asked, stages: [...asked.stages, ...stages] };
};

const semantic = { embedder: 'embedder:e', verify: 0, lexical: true };
/** Each way to call, and what the provider does. */
const WAYS: readonly (readonly [string, object, readonly Behaviour[]])[] = [
  ['whole', {}, [echo]],
  ['sealed', { integration: 'integration:sealed' }, [echo]],
  ['streamed', { stream: true }, [streamed]],
  ['cached', { response_cache: { always: true } }, [echo]],
  // The embeddings endpoint is the same server: it repeats the key as well.
  ['like', { response_cache: { always: true, semantic } }, [echoAuth(401), echo]],
  ['like-garbage', { response_cache: { always: true, semantic } }, [garbage(CANARY), echo]],
  ['tools', { tools: ['transformer:note'] }, [calling, echo]],
  ['refused', {}, [echoAuth(401)]],
  ['busy', { integration: 'integration:sealed' }, [echoAuth(429)]],
  ['broken', {}, [garbage(`no JSON ${CANARY}`)]],
];
const WAITING = [
  waiting('answered', { answer: { schema: { type: 'boolean' } } }, { signal: 'paid' }),
  waiting('steered', { answer: {} }),
  waiting('listening', { event: 'go', key: 7 }),
];
const runOf = ({ _id }: { readonly _id: string }) => _id.replace('pipeline:', 'run:');

/** What lay in the store while the sealed secret was under way. */
let underWay: string[] = [];

/** Behaves as the way wants that the question names. */
const byWay: Behaviour = (response, seen) => {
  const { messages, input } = seen.body;
  const name = messages?.[0].content ?? input[0];
  const script = WAYS.find(([one]) => one === name)?.[2] ?? [echo];
  const asked = server.requests.filter(
    ({ body }) => (body.messages?.[0].content ?? body.input[0]) === name,
  );
  const behaviour = script[asked.length - 1] ?? echo;
  if (name !== 'sealed') return behaviour(response, seen);
  const look: Behaviour = (late, again) => {
    underWay = readdirSync(place.store);
    expectCleanFiles(place.store);
    return behaviour(late, again);
  };
  return slow(50, look)(response, seen);
};

it('is nowhere while calls are made, by any way', { timeout: 120_000 }, async () => {
  const db = await open(place.store, { env: {}, workers: 1 });
  const common = { provider: 'openai', endpoint: `${server.url}/v1`, model: 'm' };
  const once = { retry_strategy: { max_retries: 0 } };
  await db.put([
    { _id: 'cred:env', _type: 'credential', env: 'CANARY_KEY' },
    { _id: 'cred:sealed', _type: 'credential', sealed: seal(CANARY, 'cred:sealed', SEAL_KEY) },
    ...['env', 'sealed'].map((name) => ({
      _id: `integration:${name}`,
      _type: 'integration',
      ...common,
      ...once,
      credentials_ref: `cred:${name}`,
    })),
    {
      _id: 'embedder:e',
      _type: 'embedder',
      ...common,
      ...once,
      dims: DIMS,
      credentials_ref: 'cred:env',
    },
    { _id: 'budget:all', _type: 'budget', limits: { tokens: 1_000_000 } },
    transformer(
      'note',
      `function note(given) {
        console.log(given, Object.keys(globalThis), typeof process);
        db.put({ _id: 'note:1', _type: 'note', given, credential: db.get('cred:sealed') });
        return given;
      }`,
      { permissions: ['db.put:note', 'db.get'] },
    ),
    ...WAYS.map(([name, more]) => asking(name, more)),
    ...WAITING,
    { _id: 'schedule:s', _type: 'schedule', pipeline: 'pipeline:refused', every: 100 },
  ] as never);
  await db.close();
  server.play([byWay]);
  const lines = WAYS.flatMap(([name]) => [
    ['run', `pipeline:${name}`, '--key', name, '--budget', 'budget:all', '--json'],
    ['follow', `run:${name}`],
  ]);
  await jdbx([...lines, ...WAITING.map(({ _id }) => ['run', _id, '--key', _id.slice(9)])]);
  expect(server.requests.length).toBeGreaterThan(WAYS.length);
  for (const seen of server.requests) expect(secretOf(seen)).toBe(CANARY);
  expectCleanFiles(place.store);
});

it('is in no file while a call is under way', () => {
  expect(underWay).toContainEqual(expect.stringMatching(/^calls-.*\.log$/));
});

it('is nowhere in what a schedule leaves behind', async () => {
  server.play([echoAuth(401)]);
  const { child, ended } = place.start(['work']);
  while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGINT');
  const { out, err } = await ended;
  expectClean(out + err, 'work');
  expect(server.requests.length).toBeGreaterThan(0);
});

const looking = [
  ['runs', '--limit', '0', '--children'],
  ['audit', '--verify'],
  ...WAYS.map(([name]) => ['audit', `run:${name}`]),
  ['query', '{}'],
  ['get', 'cred:sealed'],
  ['get', 'integration:sealed'],
  ['history', 'integration:sealed'],
  ['stats'],
  ['check'],
  ['cache'],
  ['waits'],
  ['test'],
  ['export', '{}'],
  ['replay', 'run:whole'],
  ['retain', '--dry-run'],
].flatMap((line) => [
  [...line, '--json'],
  [...line, '--no-json'],
]);
const [answered, steered, listening] = WAITING.map(runOf) as [string, string, string];
const doing: readonly Line[] = [
  ['answer', answered, 'wait-0', 'true', '--no-json'],
  ['signal', answered, 'paid', '{"by": "card"}'],
  ['pause', steered, '--no-json'],
  ['resume', steered, '--no-json'],
  ['cancel', steered],
  ['emit', 'go', '"now"', '--key', '7'],
  ['get', listening],
  ['update', 'integration:sealed', '{"$set": {"note": "new"}}', '--no-json'],
  ['update', '{"_type": "budget"}', '{"$set": {"note": 1}}', '--many'],
  ['restore', 'integration:sealed', '1', '--no-json'],
  ['prices', 'mistral'],
  { line: ['seal', 'cred:again'], input: CANARY },
  { line: ['seal', 'cred:again', '--print'], input: `${CANARY}\n` },
  { line: ['seal', 'cred:again', '--no-json'], input: CANARY },
  ['get', 'cred:again'],
  ['restore', 'cred:again', '1'],
  ['remove', 'schedule:s'],
  ['fork', 'run:sealed', '--key', 'forked'],
  ['undo', 'run:tools'],
  ['resume'],
  ['export', '{}', '-o', place.path('export.jsonl')],
  ['backup', place.path('backup')],
  ['compact'],
];
/** What commands that are given the secret in the wrong place have to refuse without a word of it. */
const quoted = JSON.stringify(CANARY);
const setting = (field: string) => `{"$set": {"${field}": ${quoted}}}`;
const mistaken: readonly Line[] = [
  ['update', 'cred:env', setting('value')],
  ['update', 'cred:env', setting('env')],
  ['update', 'cred:env', `{"$set": {"value": "${CANARY}`],
  ['update', 'integration:env', setting('api_key')],
  ['update', 'integration:env', setting('headers.X-Api-Key')],
  ['update', 'integration:env', `{"$rename": {"note": "api_key"}, "$set": {"note": ${quoted}}}`],
  ['update', 'e:new', `{"$set": {"_type": "llm_provider", "token": ${quoted}}}`, '--upsert'],
  ['answer', answered, 'wait-0', `{"api_key": "${CANARY}`],
  ['signal', answered, 'paid', `{"token": ${CANARY}}`],
  ['emit', 'go', `{"password": ${CANARY}`],
  ['restore', 'cred:sealed', '7'],
  { line: ['seal', ''], input: CANARY },
  { line: ['seal', 'cred:none', CANARY], input: '' },
];

it('is in nothing that any command prints', { timeout: 120_000 }, async () => {
  server.play([echo]);
  const torture = ['torture', 'pipeline:sealed', '--kills', '1', '--seed', '1'];
  const [refused, wrong] = [refusals(), [...looking, ...doing]];
  const codes = await jdbx([...wrong, ...mistaken, ...refused, torture]);
  expect(codes).toHaveLength(wrong.length + mistaken.length + refused.length + 1);
  // A command that was misused would look at nothing.
  expect(wrong.filter((_, n) => (codes[n] as number) > 1)).toEqual([]);
  const steering = doing.filter((line, n) => codes[looking.length + n] !== 0 && line);
  expect(steering).toEqual([]);
  const taken = [...mistaken, ...refused].filter((_, n) => codes[wrong.length + n] === 0);
  expect(taken).toEqual([]);
  expect(codes.at(-1)).toBe(0);
  expectClean(readFileSync(place.path('export.jsonl'), 'utf8'), 'export');
  expect(readFileSync(place.path('export.jsonl'), 'utf8')).toContain('"sealed":');
  expect(expectCleanFiles(place.path('backup'))).not.toEqual([]);
  expectCleanFiles(place.store);
});

const WRONG: readonly (readonly [string, string])[] = [
  ['value', '{ "_id": "cred:x", "_type": "credential", "value": SECRET }'],
  ['env', '{ "_id": "cred:x", "_type": "credential", "env": SECRET }'],
  ['sealed', '{ "_id": "cred:x", "_type": "credential", "sealed": SECRET }'],
  ['sealed.tag', '{ "_id": "cred:x", "_type": "credential", "sealed": { "tag": SECRET } }'],
  ['headers', '{ "_id": "i:x", "_type": "integration", "headers": { "X-Api-Key": SECRET } }'],
  ['api_key', '{ "_id": "i:x", "_type": "llm_provider", "api_key": SECRET }'],
  ['params', '{ "_id": "i:x", "_type": "integration", "params": { "token": SECRET } }'],
  [
    'a resource',
    '{ "_id": "p:x", "_type": "resource_pool", "resources": [{ "id": "a", "provider": "openai", "api_key": SECRET }] }',
  ],
  ['endpoint', `{ "_id": "i:x", "_type": "integration", "endpoint": "https://u:${CANARY}@a.b/" }`],
  ['a URL', `{ "_id": "i:x", "_type": "integration", "endpoint": "https://a.b/?key=${CANARY}" }`],
  [
    'an embedder',
    '{ "_id": "e:x", "_type": "embedder", "dims": 3, "model": "m", "token": SECRET }',
  ],
  [
    'provider',
    '{ "_id": "e:x", "_type": "embedder", "dims": 3, "model": "m", "provider": SECRET }',
  ],
  ['no JSON', `{ "_id": "cred:x", "_type": "credential", "value": ${CANARY} }`],
  ['half of it', `{ "_id": "cred:x", "_type": "credential", "value": "${CANARY}`],
];

/** Imports and puts of what is wrong. */
function refusals(): Line[] {
  const lines = WRONG.flatMap(([_, text], n) => {
    const file = place.path(`wrong-${n}.jsonl`);
    writeFileSync(file, text.replace('SECRET', quoted));
    return [
      ['import', file],
      ['put', `@${file}`, '--json'],
    ];
  });
  const table = place.path('wrong.csv');
  writeFileSync(table, `_id,_type,env\ncred:y,credential,${CANARY}\n`);
  return [...lines, ['import', table]];
}
