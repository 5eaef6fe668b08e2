import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { open } from '#jdbx/index.js';
import { endWorker, watchOver } from '#jdbx/sandbox/end-worker.js';
import { CONTROL } from '#jdbx/sandbox/messages.js';
import { canFollow } from '#jdbx/storage/follower.js';
import { temporaryStore } from '../storage/temporary.js';

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const HOLDER = fileOf('./gate-holder.mjs');

/** `JDBX_TEST_KILLS=200` is the long form. */
const KILLS = Number(process.env.JDBX_TEST_KILLS ?? 40);

/** A thread that waits, inside of its gate or out of it. */
async function start(isInside: boolean) {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL.cells * 4));
  const worker = new Worker(HOLDER, { workerData: { control, isInside } });
  watchOver(worker, control);
  await once(worker, 'message');
  const exited = once(worker, 'exit');
  const comeOut = () => {
    Atomics.store(control, CONTROL.wake, 1);
    Atomics.notify(control, CONTROL.wake);
  };
  return { control, worker, exited, comeOut };
}

async function told(script: string, ...args: unknown[]): Promise<[number | null, string]> {
  const child = spawn(process.execPath, [fileOf(script), ...args.map(String)]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data;
    });
  }
  const [code] = await once(child, 'close');
  return [code, output];
}

describe('a thread with a gate', { timeout: 60_000 }, () => {
  test('is ended at once when it is out of it', async () => {
    const { control, worker, exited } = await start(false);
    await endWorker(worker, control, () => expect.unreachable());
    await exited;
  });

  test('is not ended inside, and does not get in again', async () => {
    const { control, worker, exited, comeOut } = await start(true);
    let hasExited = false;
    exited.then(() => {
      hasExited = true;
    });
    const ended = endWorker(worker, control, () => {});
    await sleep(50);
    expect(hasExited).toBe(false);
    comeOut();
    await ended;
    await exited;
    expect(Atomics.load(control, CONTROL.wake)).toBe(1);
  });

  test('that stays inside is told of, and ended when it has come out', async () => {
    const { control, worker, exited, comeOut } = await start(true);
    let stuck = 0;
    await endWorker(worker, control, () => stuck++, 100);
    expect(stuck).toBe(1);
    expect(worker.threadId).toBeGreaterThan(0);
    comeOut();
    await exited;
    expect(Atomics.load(control, CONTROL.wake)).toBe(1);
  });

  test('that ended by itself is not waited for', async () => {
    const { control, worker, exited } = await start(true);
    await worker.terminate();
    await exited;
    await endWorker(worker, control, () => expect.unreachable());
  });
});

describe.skipIf(!canFollow)('threads that read a store without a pause', () => {
  test('can be killed anywhere, and leave nothing in the store', {
    timeout: 60_000 + KILLS * 3_000,
  }, async () => {
    const [code, output] = await told('./killed-readers.mjs', temporaryStore(), KILLS, 1);
    expect(code, output).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ kills: KILLS, left: 0, documents: 50 });
  });

  test('do not keep the process from its end', { timeout: 60_000 }, async () => {
    const path = temporaryStore();
    const db = await open(path);
    await db.put(Array.from({ length: 50 }, (_, n) => ({ _id: `doc:${n}`, _type: 'doc', n })));
    for (const waitMs of [0, 20]) {
      expect(await told('./exiting-reader.mjs', path, waitMs)).toEqual([7, '']);
    }
    await db.close();
  });
});
