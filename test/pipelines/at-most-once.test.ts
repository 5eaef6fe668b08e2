import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { answer, type Behaviour, FaultServer, hang, status } from '../support/fault-server.js';
import {
  chat,
  integration,
  pipeline,
  runFailure,
  storeFolder,
  until,
  withEnoughTime,
} from './support.js';

const JOB = new URL('./at-most-once-job.mjs', import.meta.url);
const OPTIONS = { env: {}, workers: 1 };

let folder: ReturnType<typeof storeFolder>;
let server: FaultServer;

beforeEach(async () => {
  folder = storeFolder();
  server = await FaultServer.start([answer(chat('sent'))]);
});

afterEach(async () => {
  await server.close();
  folder.remove();
});

async function openWith(stage: object): Promise<Jdbx> {
  const db = await open(folder.path, OPTIONS);
  await db.put([
    integration('mail', server.url, { retry_strategy: { max_retries: 5, delay_ms: 1 } }),
    pipeline('send', [{ name: 'send', integration: 'integration:mail', inputs: 'x', ...stage }]),
  ]);
  return db;
}

/** Runs the pipeline in a process of its own, which is killed while its call is under way. */
async function killDuringCall(): Promise<void> {
  const child = spawn(process.execPath, [JOB.pathname, folder.path], { stdio: 'inherit' });
  const gone = new Promise((resolve) => child.on('exit', resolve));
  await until(() => server.requests.length > 0);
  child.kill('SIGKILL');
  await gone;
}

describe('a call that a killed process had under way', () => {
  it('is not made again where the stage says at_most_once', async () => {
    await (await openWith({ at_most_once: true })).close();
    server.play([hang()]);
    await killDuringCall();
    server.play([answer(chat('again'))]);
    const db = await open(folder.path, OPTIONS);
    await db.settled();
    expect(server.requests).toHaveLength(0);
    const run = await runFailure(db.run('pipeline:send', {}, { key: 'once' }));
    expect(run).toMatchObject({ code: 'OUTCOME_UNKNOWN', stage: 'send' });
    await db.close();
  });

  it('is made again otherwise, with the same idempotency key', async () => {
    await (await openWith({})).close();
    server.play([hang()]);
    await killDuringCall();
    const first = server.requests[0]?.headers['idempotency-key'];
    server.play([answer(chat('again'))]);
    const db = await open(folder.path, OPTIONS);
    const { output } = await db.run('pipeline:send', {}, { key: 'once' });
    expect(output).toMatchObject({ text: 'again' });
    expect(server.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([first]);
    await db.close();
  });
});

describe('at_most_once', () => {
  const retry = { attempts: 3, delay_ms: 1 };

  async function send(script: readonly Behaviour[], stage: object = {}) {
    const db = await openWith({ at_most_once: true, ...stage });
    server.play(script);
    const run = db.run('pipeline:send', {}, { key: 'once' });
    const end = await run.then(
      ({ output }) => ({ text: (output as { text: string }).text }),
      () => runFailure(run),
    );
    const intents = await db.query({ _type: 'intent' }).count();
    await db.close();
    return { end, asked: server.requests.length, intents };
  }

  it('answers as ever, and leaves no note behind', async () => {
    expect(await send([answer(chat('sent'))])).toEqual({
      end: { text: 'sent' },
      asked: 1,
      intents: 0,
    });
  });

  it('does not ask again when it is open whether the first call did something', async () => {
    for (const script of [[status(500)], [hang()]]) {
      const late = async (timeout: number) => {
        folder.remove();
        folder = storeFolder();
        return send(script, { retry, timeout });
      };
      const { end, asked, intents } = await withEnoughTime(late, ({ asked }) => asked > 0);
      expect(end).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
      expect([asked, intents]).toEqual([1, 1]);
    }
  });

  it('asks again when the provider said that nothing was done', async () => {
    const { end, asked, intents } = await send([status(429), answer(chat('sent'))], { retry });
    expect(end).toEqual({ text: 'sent' });
    expect([asked, intents]).toEqual([2, 0]);
  });
});
