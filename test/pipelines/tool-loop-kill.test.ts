/**
 * A process that runs tool loops is killed with SIGKILL at seeded moments, again and again,
 * then allowed to finish. The provider stays alive and writes down what it was asked: no
 * turn may be asked for again once the next one was, and no tool may have been called twice.
 */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { answer, FaultServer, type Seen, slow } from '../support/fault-server.js';
import { storeFolder } from './support.js';

const RUNS = 9;
const ROUNDS = 6;
const TURNS = 4;
const JOB = new URL('./tool-loop-job.mjs', import.meta.url).pathname;
const folder = storeFolder();
let server: FaultServer;
let db: Jdbx;
let killed = 0;

/** Calls the tool twice in each turn, and answers in the last. */
function play({ body }: Seen): object {
  const [{ content: key }] = body.messages;
  const turn =
    body.messages.filter(({ role }: { role: string }) => role === 'assistant').length + 1;
  const call = (n: number) => ({
    id: `${key}-${turn}-${n}`,
    type: 'function',
    function: { name: 'mark', arguments: JSON.stringify({ name: `${key}-${turn}-${n}` }) },
  });
  const message =
    turn < TURNS
      ? { role: 'assistant', content: null, tool_calls: [call(0), call(1)] }
      : { role: 'assistant', content: `done ${key}` };
  return { model: 'm', choices: [{ message, finish_reason: 'stop' }] };
}

beforeAll(async () => {
  server = await FaultServer.start([slow(8, answer(play))]);
  for (let round = 0; round < ROUNDS; round++) {
    if (await startAndKill(15 + ((round * 37) % 90))) killed++;
  }
  await startAndKill(undefined);
  db = await open(folder.path, { env: {}, resume: false });
}, 120_000);

afterAll(async () => {
  await db?.close();
  await server.close();
  folder.remove();
});

async function startAndKill(afterMs: number | undefined): Promise<boolean> {
  const child = spawn(process.execPath, [JOB, folder.path, server.url, String(RUNS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (afterMs !== undefined) {
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
  }
  const signal = await new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
  return signal === 'SIGKILL';
}

it('was really killed at work', () => {
  expect(killed).toBeGreaterThanOrEqual(2);
});

it('has every run done, and every tool called exactly once', async () => {
  expect(await db.query({ _type: 'run', status: 'completed' }).count()).toBe(RUNS);
  const marks = (await db.query({ _type: 'mark' })).map(({ _id }) => _id);
  expect(marks.length).toBe(RUNS * (TURNS - 1) * 2);
  for (const { body } of server.requests) {
    const told = body.messages.filter(({ role }: { role: string }) => role === 'tool');
    for (const { content } of told) expect(content).toMatch(/^mark:/);
  }
});

it('never asked for a turn again once it was done', () => {
  const reached = new Map<string, number>();
  for (const { body } of server.requests) {
    const key = body.messages[0].content;
    const turn = body.messages.filter(({ role }: { role: string }) => role === 'assistant').length;
    expect(turn).toBeGreaterThanOrEqual(reached.get(key) ?? 0);
    reached.set(key, turn);
  }
  expect(reached.size).toBe(RUNS);
});

it('has a sound audit chain', async () => {
  expect(await db.audit.verify()).toMatchObject({ ok: true });
});
