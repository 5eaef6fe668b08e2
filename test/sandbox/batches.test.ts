import { describe, expect, test } from 'vitest';
import type { Value } from '#jdbx/base/values.js';
import { createSandbox, type SandboxOptions } from '#jdbx/sandbox/pool.js';
import { withEnoughTime } from '../pipelines/support.js';
import { callGuest, codeOf, guestValue } from './guest.js';

/**
 * Calls that wait together go to a worker in one message. Nobody may notice:
 * not by what a neighbour does, nor when the worker is lost with all of them.
 */
async function withSandbox(
  options: SandboxOptions,
  body: (sandbox: ReturnType<typeof createSandbox>) => Promise<void>,
): Promise<void> {
  const sandbox = createSandbox(options);
  try {
    await guestValue(sandbox, 'const f = () => 0');
    await body(sandbox);
  } finally {
    await sandbox.close();
  }
}

const DOUBLE = 'const f = (n) => n * 2';
/** Not polled by the engine while it runs, so only the worker's end stops it. */
const DEAF = 'const f = () => { const a = []; a.length = 4e9; a.sort() }';
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function doubles(sandbox: ReturnType<typeof createSandbox>, count: number): Promise<Value>[] {
  return Array.from({ length: count }, (_, n) => guestValue(sandbox, DOUBLE, { args: [n] }));
}

const expected = (count: number) => Array.from({ length: count }, (_, n) => n * 2);

describe('calls that came together', () => {
  test('settle each with its own result, in order, whatever their neighbours do', async () => {
    await withSandbox({ workers: 1 }, async (sandbox) => {
      const order: string[] = [];
      const codes = ['const f = () => 1', 'function f() { throw 1 }', 'const f = () => f', DOUBLE];
      const calls = Array.from({ length: 60 }, async (_, n) => {
        const code = codes[n % codes.length] as string;
        const outcome = await callGuest(sandbox, code, { args: [n] }).then(
          ({ value }) => value,
          (error: { code: string }) => error.code,
        );
        order.push(`${n}`);
        return outcome;
      });
      const outcomes = await Promise.all(calls);
      expect(outcomes.slice(0, 4)).toEqual([1, 'GUEST_ERROR', 'GUEST_OUTPUT', 6]);
      expect(outcomes.slice(56)).toEqual([1, 'GUEST_ERROR', 'GUEST_OUTPUT', 118]);
      expect(order).toEqual(calls.map((_, n) => `${n}`));
    });
  });

  test('do not wait for one that takes its time, while another worker is free', async () => {
    await withSandbox({ workers: 2 }, async (sandbox) => {
      const host = { 'db.get': () => sleep(300) };
      const wait = 'const f = () => db.get("x")';
      // Two that wait at once need two workers, which are ready from then on.
      await Promise.all([1, 2].map(() => callGuest(sandbox, wait, { host })));
      for (const slow of [wait, 'function f() { for (;;); }']) {
        let isSlowDone = false;
        const first = callGuest(sandbox, slow, {
          host: { 'db.get': () => sleep(1_000) },
          limits: { timeoutMs: 1_500 },
        })
          .catch(() => {})
          .then(() => {
            isSlowDone = true;
          });
        expect(await Promise.all(doubles(sandbox, 60))).toEqual(expected(60));
        expect(isSlowDone).toBe(false);
        await first;
      }
    });
  });

  test('report before a neighbour that takes its time', async () => {
    await withSandbox({ workers: 1 }, async (sandbox) => {
      for (const slow of ['const f = () => db.get("x")', 'function f() { for (;;); }']) {
        const host = { 'db.get': () => sleep(400) };
        let isSlowDone = false;
        const before = doubles(sandbox, 5);
        const last = callGuest(sandbox, slow, { host, limits: { timeoutMs: 400 } })
          .catch(() => {})
          .then(() => {
            isSlowDone = true;
          });
        expect(await Promise.all(before)).toEqual(expected(5));
        expect(isSlowDone).toBe(false);
        await last;
      }
    });
  });

  test('have each its own time, from when it begins', async () => {
    await withSandbox({ workers: 1 }, async (sandbox) => {
      const wait = 'const f = () => db.get("x")';
      // Ten one after the other take twice the time that each has.
      const tenInTurn = (timeoutMs: number) => {
        const host = { 'db.get': () => sleep(timeoutMs / 5) };
        const limits = { timeoutMs };
        const calls = Array.from({ length: 10 }, () => callGuest(sandbox, wait, { host, limits }));
        return Promise.allSettled(calls);
      };
      await withEnoughTime(tenInTurn, (ends) => ends.every(({ status }) => status === 'fulfilled'));
    });
  });

  test('may be aborted one by one, begun or not', async () => {
    await withSandbox({ workers: 1 }, async (sandbox) => {
      const controller = new AbortController();
      const host = { 'db.get': () => sleep(50) };
      const slow = callGuest(sandbox, 'const f = () => db.get("x")', { host });
      const aborted = doubles(sandbox, 0);
      const { signal } = controller;
      for (let n = 0; n < 5; n++) aborted.push(guestValue(sandbox, DOUBLE, { args: [n], signal }));
      const kept = doubles(sandbox, 10);
      controller.abort('not needed');
      for (const call of aborted) await expect(call).rejects.toBe('not needed');
      expect(await Promise.all(kept)).toEqual(expected(10));
      await slow;
    });
  });
});

describe('a worker that is lost takes only the guilty call with it', () => {
  test('those before it, whose reports were lost, and those behind it run again', async () => {
    await withSandbox({ workers: 1, metered: false }, async (sandbox) => {
      for (let round = 0; round < 3; round++) {
        const before = doubles(sandbox, 8);
        const guilty = codeOf(callGuest(sandbox, DEAF, { limits: { timeoutMs: 150 } }));
        const behind = doubles(sandbox, 8);
        expect(await Promise.all([...before, ...behind])).toEqual([...expected(8), ...expected(8)]);
        expect(await guilty).toBe('GUEST_TIMEOUT');
      }
    });
  });

  test('what was done through the host is done once', async () => {
    await withSandbox({ workers: 1, metered: false }, async (sandbox) => {
      const puts: Value[] = [];
      const host = { 'db.put': (value: Value) => void puts.push(value) };
      const code = 'function f(n) { db.put(n); return n }';
      const calls = Array.from({ length: 6 }, (_, n) =>
        guestValue(sandbox, code, { args: [n], host }),
      );
      const guilty = codeOf(callGuest(sandbox, DEAF, { limits: { timeoutMs: 150 } }));
      expect(await Promise.all(calls)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(await guilty).toBe('GUEST_TIMEOUT');
      expect(puts).toEqual([0, 1, 2, 3, 4, 5]);
    });
  });

  test('the next calls find a worker that is ready', async () => {
    await withSandbox({ workers: 1, metered: false, graceMs: 50 }, async (sandbox) => {
      const deaf = Array.from({ length: 3 }, () =>
        codeOf(callGuest(sandbox, DEAF, { limits: { timeoutMs: 100 } })),
      );
      const calls = doubles(sandbox, 5);
      expect(await Promise.all(deaf)).toEqual(Array(3).fill('GUEST_TIMEOUT'));
      expect(await Promise.all(calls)).toEqual(expected(5));
    });
  });

  test('one that stopped late, but by itself, leaves no worker too many', async () => {
    await withSandbox({ workers: 1, metered: false, graceMs: 400 }, async (sandbox) => {
      const loop = 'function f() { try { for (;;); } finally { for (let i = 0; i < 1e5; i++); } }';
      for (let round = 0; round < 3; round++) {
        const code = await codeOf(callGuest(sandbox, loop, { limits: { timeoutMs: 50 } }));
        expect(code).toBe('GUEST_TIMEOUT');
        expect(await Promise.all(doubles(sandbox, 3))).toEqual(expected(3));
      }
    });
  });
});
