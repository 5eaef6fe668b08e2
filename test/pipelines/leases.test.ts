import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, type NewDocument, type OpenOptions, open } from '#jdbx/index.js';
import { canFollow } from '#jdbx/storage/follower.js';
import { stopBetweenWrites } from '../support/stop-between-writes.js';
import { failure, pipeline, storeFolder, transformer, until } from './support.js';

/**
 * Several real processes run pipelines from one store: one of them is killed, stopped and
 * continued, or closed while its runs wait for answers of a model, and the test's own process
 * goes on with them. The provider answers when the test says so.
 */
const CHILD = new URL('./leases-child.mjs', import.meta.url).pathname;
const KEYS = Array.from({ length: 8 }, (_, n) => `k${n}`);

/** A provider that keeps its callers waiting until `release`. */
class SlowModel {
  readonly keys: string[] = [];
  readonly #server: Server;
  #waiting: ServerResponse[] = [];
  #isFree = false;

  constructor() {
    this.#server = createServer((request, response) => {
      this.keys.push(String(request.headers['idempotency-key']));
      request.resume().on('end', () => {
        if (this.#isFree) answer(response);
        else this.#waiting.push(response);
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  release(): void {
    this.#isFree = true;
    for (const response of this.#waiting.splice(0)) answer(response);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function answer(response: ServerResponse): void {
  const usage = { prompt_tokens: 10, completion_tokens: 5 };
  const choices = [{ message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }];
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ model: 'm', choices, usage }));
}

function definitions(endpoint: string): NewDocument[] {
  const rights = { permissions: ['db.insert:mark', 'db.insert:done', 'db.update:total'] };
  // `insert` refuses a second time, so an effect that happened twice would fail its run.
  const begin = "function f({ name }) { db.insert({ _id: 'mark:' + name, _type: 'mark' }) }";
  const end = `function f({ name }) {
    db.insert({ _id: 'done:' + name, _type: 'done' });
    db.update({ _type: 'total', _id: 'total:1' }, { $inc: { n: 1 } }, { upsert: true });
    return name;
  }`;
  const ask = { name: 'ask', integration: 'integration:slow', inputs: '$input.name' };
  const wait = { name: 'rest', wait: { ms: 1_000 } };
  return [
    {
      _id: 'integration:slow',
      _type: 'integration',
      provider: 'openai',
      endpoint,
      model: 'm',
      price: { input_per_million: 1, output_per_million: 1 },
    },
    { _id: 'budget:b', _type: 'budget', limits: { tokens: 1e9 } },
    transformer('begin', begin, rights),
    transformer('end', end, rights),
    pipeline(
      'work',
      [
        { name: 'begin', transformer: 'transformer:begin', inputs: ['name'] },
        ask,
        { name: 'end', transformer: 'transformer:end', inputs: ['name'] },
      ],
      { budget: 'budget:b' },
    ),
    pipeline('rest', [wait, { name: 'end', transformer: 'transformer:end', inputs: ['name'] }]),
    transformer('pure', 'function f() { return 1 }'),
    pipeline('late', [
      { name: 'pure', transformer: 'transformer:pure' },
      { name: 'begin', transformer: 'transformer:begin', inputs: ['name'] },
    ]),
    pipeline('tick', [{ name: 'end', transformer: 'transformer:begin', inputs: ['name'] }]),
  ];
}

interface Child {
  readonly lines: string[];
  /** Says that those which begin together may. */
  go(): void;
  signal(signal: NodeJS.Signals): void;
  end(signal: NodeJS.Signals): Promise<void>;
}

const folder = storeFolder();
const children: Child[] = [];
let model: SlowModel;
let db: Jdbx | undefined;
let path = '';
let round = 0;

beforeEach(async () => {
  model = new SlowModel();
  path = `${folder.path}/${++round}`;
  const endpoint = await model.listen();
  const store = await open(path, { env: {}, workers: 1 });
  await store.put(definitions(endpoint));
  await store.close();
});

afterEach(async () => {
  for (const child of children.splice(0)) await child.end('SIGKILL');
  await db?.close();
  db = undefined;
  model.close();
});

afterAll(() => folder.remove());

async function openHere(options: OpenOptions = {}): Promise<Jdbx> {
  db = await open(path, { env: {}, workers: 1, ...options });
  return db;
}

async function start(options: object): Promise<Child> {
  const given = JSON.stringify({ keys: [], pipeline: 'pipeline:work', ...options });
  const child = spawn(process.execPath, [CHILD, path, given], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const gone = once(child, 'exit');
  const started = {
    lines,
    go: () => void child.stdin.write('go'),
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    async end(signal: NodeJS.Signals) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await gone;
    },
  };
  children.push(started);
  await until(() => lines.includes('open'));
  return started;
}

/** True when each run has asked the model so often. */
function allAsked(times: number): boolean {
  const counts = new Map<string, number>();
  for (const key of model.keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts.size === KEYS.length && [...counts.values()].every((count) => count >= times);
}

const sorted = (names: Iterable<unknown>) => [...names].map(String).sort();

async function haveEnded(store: Jdbx, keys = KEYS): Promise<void> {
  const filter = { _type: 'run', status: 'completed' };
  await until(async () => (await store.query(filter).count()) === keys.length);
}

/** Each run looks as if one undisturbed process had made it, but for calls that were made twice. */
async function expectOnce(store: Jdbx): Promise<void> {
  const ids = async (_type: string) => sorted((await store.query({ _type })).map(({ _id }) => _id));
  expect(await ids('mark')).toEqual(sorted(KEYS.map((key) => `mark:${key}`)));
  expect(await ids('done')).toEqual(sorted(KEYS.map((key) => `done:${key}`)));
  expect(await store.get('total:1')).toMatchObject({ n: KEYS.length });
  const stages = await store.audit.query({ kind: 'stage', status: 'done' });
  const steps = KEYS.flatMap((key) => ['begin', 'ask', 'end'].map((at) => `run:${key} ${at}`));
  expect(sorted(stages.map((each) => `${each.run} ${each.path}`))).toEqual(sorted(steps));
  const session = await store.get('session:leases');
  expect(session).toMatchObject({ turns: 2 * KEYS.length });
  const calls = await store.audit.query({ kind: 'llm-call' }).count();
  expect(session).toMatchObject({ usage: { calls } });
  const budget = await store.get<{ spent: { calls?: number } }>('budget:b');
  expect(await store.query({ _type: 'reservation' }).count()).toBe(0);
  expect(budget?.spent).toBeDefined();
  expect(await store.audit.query({ kind: 'run-end' }).count()).toBe(KEYS.length);
  expect(await store.audit.verify()).toMatchObject({ ok: true });
  expect((await store.check()).problems).toEqual([]);
}

describe.skipIf(!canFollow)('several processes on one store', () => {
  it('take up the runs of one that is killed', async () => {
    const child = await start({ keys: KEYS, resume: false });
    await until(() => model.keys.length === KEYS.length);
    const store = await openHere();
    expect(await store.resume()).toEqual([]);
    await child.end('SIGKILL');
    model.release();
    await haveEnded(store);
    await expectOnce(store);
    expect(new Set(model.keys).size).toBe(KEYS.length);
    expect(model.keys.length).toBe(2 * KEYS.length);
    expect(await store.audit.query({ kind: 'run-resume' }).count()).toBe(KEYS.length);
    expect(await store.audit.query({ kind: 'lease-end' }).count()).toBe(1);
  });

  it('refuse what one commits that was stopped, given up, and comes back', async () => {
    const store = await openHere({ leaseMs: 1_500 });
    const child = await start({ keys: KEYS, resume: false, leaseMs: 1_500 });
    await until(() => allAsked(1));
    await stopBetweenWrites(child.signal, store);
    // Every run is asked for a second time, by this process; on a machine so busy that the other
    // one seemed stopped before, already.
    await until(() => allAsked(2));
    expect(await store.audit.query({ kind: 'lease-end' }).count()).toBeGreaterThanOrEqual(1);
    child.signal('SIGCONT');
    model.release();
    await until(() => child.lines.length === 1 + KEYS.length);
    expect(sorted(child.lines.slice(1))).toEqual(KEYS.map((key) => `failed ${key} RUN_LEASE_LOST`));
    await haveEnded(store);
    await expectOnce(store);
    expect(new Set(model.keys).size).toBe(KEYS.length);
  });

  it('refuse it also when nobody told it: the commit itself finds that the lease ended', async () => {
    const child = await start({ keys: KEYS, resume: false });
    await until(() => model.keys.length === KEYS.length);
    const store = await openHere({ resume: false });
    // As another process does that has given it up; it does not look again for a second.
    await store.remove({ _type: 'executor' }, { many: true });
    model.release();
    await until(() => child.lines.length === 1 + KEYS.length);
    expect(sorted(child.lines.slice(1))).toEqual(KEYS.map((key) => `failed ${key} RUN_LEASE_LOST`));
    expect(await store.query({ _type: 'done' }).count()).toBe(0);
    expect(await store.audit.query({ path: { $in: ['ask', 'end'] } }).count()).toBe(0);
    await store.resume();
    await haveEnded(store);
    await expectOnce(store);
  });

  it('get what one has under way at once when it closes', async () => {
    const hour = { leaseMs: 3_600_000 };
    const store = await openHere(hour);
    const child = await start({ keys: KEYS, ...hour });
    await until(() => model.keys.length === KEYS.length);
    await child.end('SIGTERM');
    model.release();
    await haveEnded(store);
    await expectOnce(store);
  });

  it('leave the runs of the living alone, however far their clocks are apart', async () => {
    const ahead = await start({ keys: ['ahead'], clockMs: 600_000 });
    const behind = await start({ keys: ['behind'], clockMs: -600_000 });
    await until(() => model.keys.length === 2);
    const store = await openHere();
    expect(await store.resume()).toEqual([]);
    model.release();
    await haveEnded(store, ['ahead', 'behind']);
    await until(() => ahead.lines.length + behind.lines.length === 4);
    expect(ahead.lines).toContain('completed ahead "ahead"');
    expect(behind.lines).toContain('completed behind "behind"');
    expect(await store.audit.query({ kind: 'run-resume' }).count()).toBe(0);
  });

  it('join a run that another one has under way, by its key', async () => {
    await start({ keys: ['one'] });
    await until(() => model.keys.length === 1);
    const store = await openHere();
    const joined = store.run('pipeline:work', { name: 'one' }, { key: 'one' });
    const resumed = store.resume('run:one');
    model.release();
    expect(await joined).toMatchObject({ status: 'completed', output: 'one' });
    expect(await resumed).toMatchObject({ status: 'completed', output: 'one' });
    expect(model.keys.length).toBe(1);
  });

  // The second is not stored before its first stage, which is a part of its first commit.
  it.each(['tick', 'late'])('begin runs of one key once, though all want to: %s', async (name) => {
    const order = { pipeline: `pipeline:${name}`, keys: KEYS, together: true };
    const all = await Promise.all([order, order, order].map(start));
    for (const child of all) child.go();
    await until(() => all.every(({ lines }) => lines.length > KEYS.length));
    const store = await openHere();
    for (const { lines } of all) {
      expect(lines.filter((line) => line.startsWith('failed'))).toEqual([]);
    }
    expect(await store.audit.query({ kind: 'run-start' }).count()).toBe(KEYS.length);
    expect(await store.query({ _type: 'mark' }).count()).toBe(KEYS.length);
  });

  it('cancel a run that another one has under way', async () => {
    const child = await start({ keys: ['one'] });
    await until(() => model.keys.length === 1);
    const store = await openHere();
    expect(await store.cancel('run:one')).toBe(true);
    expect(await store.runOf('run:one')).toMatchObject({ status: 'cancelled' });
    expect((await failure(store.ended('run:one'))).code).toBe('RUN_CANCELLED');
    model.release();
    await until(() => child.lines.length === 2);
    expect(child.lines[1]).toBe('failed one RUN_LEASE_LOST');
  });

  it('end the waits in time that a dead one opened', async () => {
    const store = await openHere({ leaseMs: 2_000 });
    const order = { keys: ['w'], pipeline: 'pipeline:rest', resume: false };
    // It dies as soon as its run waits, so that the wait is never its own to end.
    const child = await start({ ...order, dies: true });
    await until(() => child.lines.length === 2);
    expect(child.lines[1]).toBe('waiting w null');
    await haveEnded(store, ['w']);
    expect(await store.get('total:1')).toMatchObject({ n: 1 });
  });

  it('follow the schedules when the one that did is killed', async () => {
    const child = await start({ leaseMs: 2_000 });
    const store = await openHere({ leaseMs: 2_000 });
    const schedule = { _id: 'schedule:s', _type: 'schedule', every: 300, input: { name: 'n' } };
    await store.put({ ...schedule, pipeline: 'pipeline:rest' });
    const count = () => store.query({ _type: 'run', pipeline: 'pipeline:rest' }).count();
    await until(async () => (await count()) > 0);
    await child.end('SIGKILL');
    const before = await count();
    const progress = () => store.get<{ last: string }>('schedule_progress:schedule:s');
    const last = (await progress())?.last as string;
    await until(async () => ((await progress())?.last ?? '') > last && (await count()) > before);
  });
});
