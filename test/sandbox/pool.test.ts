import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { isJdbxError } from '#jdbx/base/errors.js';
import type { Value } from '#jdbx/base/values.js';
import { Permissions, permitHostFunctions } from '#jdbx/sandbox/permissions.js';
import { createSandbox, type SandboxOptions } from '#jdbx/sandbox/pool.js';
import { callGuest, codeOf, errorOf, guestValue } from './guest.js';

async function withSandbox(
  options: SandboxOptions,
  body: (sandbox: ReturnType<typeof createSandbox>) => Promise<void>,
): Promise<void> {
  const sandbox = createSandbox(options);
  try {
    await body(sandbox);
  } finally {
    await sandbox.close();
  }
}

const DOUBLE = 'const f = (n) => n * 2';
const LOOP = 'function f() { for (;;); }';
/** Not polled by an engine without a meter while it runs, so only the worker's end stops it. */
const DEAF = 'const f = () => { const a = []; a.length = 4e9; a.sort() }';

describe('the pool', () => {
  test('runs 50 calls at once, each with its own host functions', async () => {
    await withSandbox({ workers: 2 }, async (sandbox) => {
      const calls = Array.from({ length: 50 }, (_, n) =>
        guestValue(sandbox, 'async function f(a) { return [a, await db.get(a)] }', {
          args: [n],
          host: { 'db.get': async (id) => `${id} of ${n}` },
        }),
      );
      expect(await Promise.all(calls)).toEqual(calls.map((_, n) => [n, `${n} of ${n}`]));
    });
  });

  test('starts waiting calls in order of arrival', async () => {
    await withSandbox({ workers: 1 }, async (sandbox) => {
      const order: number[] = [];
      const calls = Array.from({ length: 8 }, (_, n) =>
        guestValue(sandbox, 'const f = () => checkpoint()', {
          host: { checkpoint: () => void order.push(n) },
        }),
      );
      await Promise.all(calls);
      expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    });
  });

  test('refuses a call when too many wait', async () => {
    await withSandbox({ workers: 1, queueMax: 3 }, async (sandbox) => {
      const waiting = [1, 2, 3].map((n) => guestValue(sandbox, DOUBLE, { args: [n] }));
      expect(await codeOf(callGuest(sandbox, DOUBLE))).toBe('GUEST_QUEUE_FULL');
      expect(await Promise.all(waiting)).toEqual([2, 4, 6]);
    });
  });

  test('replaces a worker that does not listen, and only its call fails', async () => {
    await withSandbox({ workers: 2, metered: false }, async (sandbox) => {
      await Promise.all([1, 2].map((n) => guestValue(sandbox, DOUBLE, { args: [n] })));
      const deaf = errorOf(callGuest(sandbox, DEAF, { limits: { timeoutMs: 200 } }));
      const slow = guestValue(sandbox, 'const f = () => db.get("x")', {
        host: { 'db.get': () => new Promise((resolve) => setTimeout(resolve, 600, 'survived')) },
      });
      const { code, message } = await deaf;
      expect(code).toBe('GUEST_TIMEOUT');
      expect(message).toContain('ended with its worker');
      expect(await slow).toBe('survived');
      const after = [1, 2, 3, 4].map((n) => guestValue(sandbox, DOUBLE, { args: [n] }));
      expect(await Promise.all(after)).toEqual([2, 4, 6, 8]);
    });
  });

  test('lets a host function call the sandbox again', async () => {
    await withSandbox({ workers: 2 }, async (sandbox) => {
      const host = { double: (n: Value) => guestValue(sandbox, DOUBLE, { args: [n] }) };
      expect(await guestValue(sandbox, 'const f = () => double(double(3))', { host })).toBe(12);
    });
  });

  test('refuses options that make no sense', () => {
    expect(() => createSandbox({ workers: 0 })).toThrow(TypeError);
    expect(() => createSandbox({ graceMs: Number.NaN })).toThrow(TypeError);
  });
});

describe('an abort signal', () => {
  test.each([true, false])('ends a running guest at once, metered or not (%s)', async (metered) => {
    await withSandbox({ workers: 1, metered }, async (sandbox) => {
      const reason = new Error('no longer wanted');
      for (const code of [LOOP, DEAF, 'const f = () => db.get("x")']) {
        const controller = new AbortController();
        const host = { 'db.get': () => new Promise(() => {}) };
        const limits = { timeoutMs: 60_000 };
        const call = callGuest(sandbox, code, { host, limits, signal: controller.signal });
        setTimeout(() => controller.abort(reason), 150);
        await expect(call).rejects.toBe(reason);
      }
      expect(await guestValue(sandbox, DOUBLE, { args: [4] })).toBe(8);
    });
  });

  test('takes a waiting call out of the queue, and refuses one that comes aborted', async () => {
    await withSandbox({ workers: 1 }, async (sandbox) => {
      const running = codeOf(callGuest(sandbox, LOOP, { limits: { timeoutMs: 300 } }));
      const controller = new AbortController();
      let ran = false;
      const waiting = callGuest(sandbox, 'const f = () => checkpoint()', {
        host: {
          checkpoint: () => {
            ran = true;
          },
        },
        signal: controller.signal,
      });
      controller.abort('changed my mind');
      await expect(waiting).rejects.toBe('changed my mind');
      expect(await running).toBe('GUEST_TIMEOUT');
      const aborted = callGuest(sandbox, DOUBLE, { signal: AbortSignal.abort('before') });
      await expect(aborted).rejects.toBe('before');
      expect(ran).toBe(false);
    });
  });

  test('begins no host call after it', async () => {
    await withSandbox({ workers: 1 }, async (sandbox) => {
      const controller = new AbortController();
      let calls = 0;
      const host = {
        'db.put': () => {
          calls++;
          controller.abort('stop');
        },
      };
      const code = 'function f() { for (;;) try { db.put({}) } catch {} }';
      const call = callGuest(sandbox, code, { host, signal: controller.signal });
      await expect(call).rejects.toBe('stop');
      expect(await guestValue(sandbox, DOUBLE, { args: [1] })).toBe(2);
      expect(calls).toBe(1);
    });
  });
});

describe('closing', () => {
  test('ends running and waiting calls, refuses new ones, and may be repeated', async () => {
    const sandbox = createSandbox({ workers: 1 });
    await guestValue(sandbox, DOUBLE, { args: [1] });
    const calls = [LOOP, LOOP, DOUBLE].map((code) => codeOf(callGuest(sandbox, code)));
    await Promise.all([sandbox.close(), sandbox.close()]);
    expect(await Promise.all(calls)).toEqual(['STORE_CLOSED', 'STORE_CLOSED', 'STORE_CLOSED']);
    expect(await codeOf(callGuest(sandbox, DOUBLE))).toBe('STORE_CLOSED');
    await sandbox.close();
  });

  test('while workers are still starting leaves nothing behind', async () => {
    const sandbox = createSandbox({ workers: 2 });
    const call = codeOf(callGuest(sandbox, DOUBLE));
    await sandbox.close();
    expect(await call).toBe('STORE_CLOSED');
  });

  test('is not needed for the process to exit', async () => {
    const program = `
      const { createSandbox } = await import('#jdbx/sandbox/pool.js');
      const { GUEST_LIMITS } = await import('#jdbx/sandbox/contract.js');
      const sandbox = createSandbox({ workers: 2 });
      const { value } = await sandbox.call({ name: 'n', code: 'const f = () => 42', args: [],
        host: {}, limits: GUEST_LIMITS.defaults, now: 0, seed: '' });
      console.log(value);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: new URL('../..', import.meta.url),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output: string[] = [];
    child.stdout.on('data', (chunk) => output.push(String(chunk)));
    const [exitCode] = await once(child, 'close');
    expect([exitCode, output.join('').trim()]).toEqual([0, '42']);
  });
});

describe('permissions at work', () => {
  test('an unlisted verb is refused in the guest, and the refusal reaches the host', async () => {
    await withSandbox({ workers: 1 }, async (sandbox) => {
      const refused: string[] = [];
      const host = permitHostFunctions(
        Permissions.parse(['db.get:pattern']),
        { 'db.get': () => 'read', 'db.put': () => 'written' },
        (verb) => refused.push(verb),
      );
      const code = `function f() {
        try { db.put({}) } catch (e) { return [db.get('x'), e.code, e.message] }
      }`;
      const [read, errorCode, message] = (await guestValue(sandbox, code, { host })) as string[];
      expect([read, errorCode]).toEqual(['read', 'PERMISSION_DENIED']);
      expect(message).toContain('list "db.put"');
      const uncaught = await errorOf(callGuest(sandbox, 'const f = () => llm.call({})', { host }));
      expect(isJdbxError(uncaught, 'PERMISSION_DENIED')).toBe(true);
      expect(refused).toEqual(['db.put', 'llm.call']);
    });
  });
});
