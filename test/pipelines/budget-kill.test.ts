/**
 * A process that makes many calls at once within budgets is killed with SIGKILL in the middle
 * of them, again and again, then allowed to finish. The provider stays alive and counts what
 * it was asked: everything that it may have billed must be in the budgets, no more than what
 * the audit trail says, and nothing may stay set aside.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Filter, type Jdbx, open } from '#jdbx/index.js';
import { answer, FaultServer, slow } from '../support/fault-server.js';
import { chat, storeFolder } from './support.js';

const CALLS = 150;
const ROUNDS = 4;
const JOB = new URL('./budget-job.mjs', import.meta.url).pathname;
const folder = storeFolder();
let server: FaultServer;
let db: Jdbx;
let killed = 0;

beforeAll(async () => {
  server = await FaultServer.start([slow(6, answer(chat('Yes.')))]);
  for (let round = 0; round < ROUNDS; round++) {
    if (await startAndKill(4 + 9 * round)) killed++;
  }
  await startAndKill();
  db = await open(folder.path, { env: {}, resume: false });
}, 120_000);

afterAll(async () => {
  await db?.close();
  await server.close();
  folder.remove();
});

/** @param after the number of requests after which it is killed; default: never */
async function startAndKill(after = Number.POSITIVE_INFINITY): Promise<boolean> {
  const child = spawn(process.execPath, [JOB, folder.path, server.url, String(CALLS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const killAt = server.requests.length + after;
  const looking = setInterval(() => {
    if (server.requests.length >= killAt) child.kill('SIGKILL');
  }, 1);
  const signal = await new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
  clearInterval(looking);
  return signal === 'SIGKILL';
}

interface Entry {
  readonly usage?: { readonly input_tokens?: number; readonly output_tokens?: number };
  readonly amounts?: { readonly tokens: number; readonly calls: number };
}

async function entries(filter: Filter): Promise<Entry[]> {
  return (await db.audit.query(filter).toArray()) as unknown as Entry[];
}

it('was really killed with calls under way', async () => {
  expect(killed).toBe(ROUNDS);
  expect((await entries({ kind: 'budget', outcome: 'unknown' })).length).toBeGreaterThan(0);
  expect(await db.runOf('run:many')).toMatchObject({ status: 'completed' });
});

it('has spent exactly what the audit trail says', async () => {
  const known = await entries({ kind: 'llm-call' });
  const unknown = await entries({ kind: 'budget' });
  const tokens =
    known.reduce((sum, { usage = {} }) => {
      return sum + (usage.input_tokens ?? 0) + (usage.output_tokens ?? 0);
    }, 0) + unknown.reduce((sum, { amounts }) => sum + (amounts?.tokens ?? 0), 0);
  for (const id of ['budget:run', 'budget:all']) {
    expect(await db.get(id)).toMatchObject({
      spent: { tokens, calls: known.length + unknown.length },
    });
  }
});

it('has counted every call that the provider saw', async () => {
  const { spent } = (await db.get('budget:run')) as unknown as { spent: { calls: number } };
  expect(spent.calls).toBeGreaterThanOrEqual(server.requests.length);
});

it('has left nothing set aside, and no file', async () => {
  expect(await db.query({ _type: 'reservation' }).count()).toBe(0);
  expect(await db.query({ _type: 'hold' }).count()).toBe(0);
  const { reserved } = (await db.get('budget:run')) as { reserved?: object };
  for (const amount of Object.values(reserved ?? {})) expect(amount).toBe(0);
  expect(readdirSync(folder.path).filter((name) => name.startsWith('calls-'))).toEqual([]);
});
