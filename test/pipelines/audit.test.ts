import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { answer, echoAuth, FaultServer, status } from '../support/fault-server.js';
import {
  chat,
  integration,
  pipeline,
  prompt,
  runFailure,
  storeFolder,
  transformer,
} from './support.js';

const CANARY = 'sk-canary-4f9a1c/7d+e2';

let db: Jdbx;
let server: FaultServer;
const folder = storeFolder();
const events: unknown[] = [];

beforeAll(async () => {
  server = await FaultServer.start([answer(chat('well'))]);
  db = await open(folder.path, { workers: 1, env: { CANARY_KEY: CANARY } });
  for (const name of ['run-start', 'run-end', 'stage-start', 'stage-end'] as const) {
    db.events.on(name, (event) => events.push(event));
  }
  await db.put([
    { _id: 'cred:canary', _type: 'credential', env: 'CANARY_KEY' },
    integration('paid', server.url, {
      credentials_ref: 'cred:canary',
      retry_strategy: { max_retries: 1, delay_ms: 1 },
      price: { input_per_million: 3, output_per_million: 15 },
    }),
    prompt('ask', 'How is {name}?', ['name']),
    transformer(
      'nosy',
      `function nosy({ text }) {
        try { db.get('cred:canary') } catch (error) { console.warn(error.code) }
        return db.put({ _id: 'note:1', _type: 'note', text });
      }`,
      { permissions: ['db.put:note'] },
    ),
    pipeline('all', [
      { name: 'ask', prompt: 'prompt:ask' },
      { name: 'call', integration: 'integration:paid' },
      { name: 'no', when: false, transformer: 'transformer:nosy' },
      { name: 'keep', transformer: 'transformer:nosy', inputs: '$call' },
    ]),
  ]);
});

afterAll(async () => {
  await server.close();
  folder.remove();
});

describe('the audit trail of a run', () => {
  it('tells the whole story, each part with the revisions that it used', async () => {
    server.play([status(503), answer(chat('well'))]);
    const { id, usage } = await db.run(
      'pipeline:all',
      { name: 'Bo' },
      { key: 'story', session: 'session:s' },
    );
    const trail = await db.audit.ofRun(id);
    const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const at = { at: iso, run: id, pipeline: 'pipeline:all', started_at: iso };
    const stage = { ...at, kind: 'stage', attempt: 1, duration_ms: expect.any(Number) };
    const call = {
      kind: 'llm-call',
      run: id,
      path: 'call',
      started_at: iso,
      integration: 'integration:paid',
      integration_rev: 1,
      provider: 'openai',
      request: { model: 'test-model', messages: [{ role: 'user', content: 'How is Bo?' }] },
      request_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      latency_ms: expect.any(Number),
    };
    const cost_usd = (10 * 3 + 5 * 15) / 1e6;
    expect(trail).toMatchObject([
      {
        kind: 'run-start',
        run: id,
        pipeline: 'pipeline:all',
        session: 'session:s',
        definitions: {
          'pipeline:all': 1,
          'prompt:ask': 1,
          'integration:paid': 1,
          'transformer:nosy': 1,
        },
      },
      { ...stage, path: 'ask', stage: 'prompt', status: 'done', definitions: { 'prompt:ask': 1 } },
      { ...call, attempt: 1, error: { code: 'MODEL_UNAVAILABLE' }, model: 'test-model' },
      {
        ...call,
        attempt: 2,
        model: 'test-model-1',
        response: { text: 'well' },
        usage: { input_tokens: 10, output_tokens: 5 },
        cost_usd,
      },
      { ...stage, path: 'call', stage: 'integration', status: 'done', integration_rev: 1 },
      { ...stage, path: 'no', stage: 'transformer', status: 'skipped' },
      {
        kind: 'refusal',
        run: id,
        path: 'keep',
        document: 'transformer:nosy',
        document_rev: 1,
        permission: 'db.get',
      },
      {
        ...stage,
        path: 'keep',
        status: 'done',
        definitions: { 'transformer:nosy': 1 },
        writes: [{ id: 'note:1', kind: 'put' }],
        console: [{ level: 'warn', text: 'PERMISSION_DENIED' }],
      },
      {
        kind: 'run-end',
        run: id,
        status: 'completed',
        usage: { input_tokens: 10, output_tokens: 5, cost_usd, calls: 2 },
        duration_ms: expect.any(Number),
      },
    ]);
    expect(usage).toEqual({ input_tokens: 10, output_tokens: 5, cost_usd, calls: 2 });
  });

  it('is one sound chain with everything else that happened', async () => {
    expect(await db.audit.verify()).toMatchObject({ ok: true });
    expect((await db.check()).problems).toEqual([]);
  });
});

describe('a secret', () => {
  it('is in no document, event or file of the store, also when the provider quotes it', async () => {
    server.play([echoAuth(401)]);
    const { code, message, cause } = await runFailure(db.run('pipeline:all', { name: 'Al' }));
    expect(code).toBe('MODEL_REFUSED');
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${CANARY}`);
    const documents = await db.query({}).toArray();
    await db.close();
    const files = readdirSync(folder.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    const forms = [
      CANARY,
      encodeURIComponent(CANARY),
      Buffer.from(CANARY).toString('base64').slice(0, 20),
    ];
    const everything = [
      JSON.stringify(documents),
      JSON.stringify(events),
      message,
      String(cause?.stack),
      ...files,
    ];
    expect(files.join('')).toContain('How is Al?');
    for (const form of forms) {
      expect(everything.filter((text) => text.includes(form))).toEqual([]);
    }
  });
});
