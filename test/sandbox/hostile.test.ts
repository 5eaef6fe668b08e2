import { afterAll, describe, expect, test } from 'vitest';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { callGuest, codeOf, guestValue } from './guest.js';

const sandbox = createSandbox({ workers: 2 });
afterAll(() => sandbox.close());

const TIMEOUT_MS = 250;
/** The promise is 100 ms past the deadline; the rest is for a machine that is busy with other work. */
const BOUND_MS = TIMEOUT_MS + 100 + 5_000;

async function codeInTime(code: string): Promise<string> {
  const begun = performance.now();
  const result = await codeOf(callGuest(sandbox, code, { limits: { timeoutMs: TIMEOUT_MS } }));
  expect(performance.now() - begun).toBeLessThan(BOUND_MS);
  return result;
}

describe('a guest that will not end is ended', () => {
  test('(the first call only warms a worker)', async () => {
    expect(await guestValue(sandbox, 'const f = () => 1')).toBe(1);
  });

  test.each([
    ['an endless loop', 'function f() { for (;;); }'],
    ['an endless loop at the top level', 'for (;;); function f() {}'],
    ['a loop inside of try and catch', 'function f() { for (;;) try { for (;;); } catch {} }'],
    ['a loop inside of finally', 'function f() { try { for (;;); } finally { for (;;); } }'],
    [
      'a loop that catches and returns',
      'function f() { try { for (;;); } catch { return "saved" } }',
    ],
    ['a catastrophic regular expression', 'const f = () => /^(a+)+$/.test("a".repeat(40) + "b")'],
    ['promise jobs without end', 'async function f() { for (;;) await 0 }'],
    [
      'promise jobs that make more',
      'function f() { const g = () => Promise.resolve().then(g); return g() }',
    ],
    [
      'an async function that swallows the interruption',
      'async function g() { for (;;); } async function f() { try { await g() } catch {} return 1 }',
    ],
    ['a thenable that loops', 'const f = () => ({ then() { for (;;); } })'],
    [
      'a throw whose description loops',
      'function f() { throw new Proxy({}, { getPrototypeOf() { for (;;); } }) }',
    ],
    ['a proxy result that loops', 'const f = () => new Proxy({}, { ownKeys() { for (;;); } })'],
    ['recursion that catches its own overflow', 'function f() { for (;;) try { f() } catch {} }'],
    [
      'a native loop over a huge length',
      'const f = () => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
    ],
    ['a sort of a huge sparse array', 'const f = () => { const a = []; a.length = 4e9; a.sort() }'],
  ])('%s', async (_, code) => {
    expect(await codeInTime(code)).toBe('GUEST_TIMEOUT');
  });

  test('a host function that never answers', async () => {
    const host = { 'db.get': () => new Promise(() => {}) };
    const limits = { timeoutMs: TIMEOUT_MS };
    const begun = performance.now();
    const swallowed = 'function f() { try { db.get("x") } catch {} return "saved" }';
    expect(await codeOf(callGuest(sandbox, swallowed, { host, limits }))).toBe('GUEST_TIMEOUT');
    expect(performance.now() - begun).toBeLessThan(BOUND_MS);
  });

  test('an answer that comes too late does not reach the next call', async () => {
    const own = createSandbox({ workers: 1 });
    let release = (_: string) => {};
    const slow = { 'db.get': () => new Promise((resolve) => (release = resolve)) };
    const code = 'const f = () => db.get("x")';
    const limits = { timeoutMs: TIMEOUT_MS };
    expect(await codeOf(callGuest(own, code, { host: slow, limits }))).toBe('GUEST_TIMEOUT');
    const quick = {
      'db.get': async () => {
        release('late');
        await new Promise((resolve) => setTimeout(resolve, 20));
        return 'mine';
      },
    };
    expect(await guestValue(own, code, { host: quick })).toBe('mine');
    await own.close();
  });
});

describe('a guest that takes too much is stopped', () => {
  test.each([
    ['arrays of objects', 'function f() { const a = []; for (;;) a.push({ a: 1 }) }'],
    ['array buffers', 'function f() { const a = []; for (;;) a.push(new ArrayBuffer(1e6)) }'],
    ['one huge buffer', 'const f = () => new Uint8Array(1e9).length'],
    ['strings that double', 'function f() { let s = "x"; for (;;) s += s }'],
    [
      'many long strings',
      'function f() { const a = []; for (;;) a.push("x".repeat(1e6) + a.length) }',
    ],
    ['a filled array', 'const f = () => new Array(1e8).fill(0).length'],
  ])('memory: %s', async (_, code) => {
    const limits = { timeoutMs: 20_000 };
    expect(await codeOf(callGuest(sandbox, code, { limits }))).toBe('GUEST_MEMORY');
  });

  test('a memory limit of its own is kept', async () => {
    const code = 'const f = (mb) => new Uint8Array(mb * 2 ** 20).length';
    const small = { memoryBytes: 32 * 2 ** 20 };
    expect(await codeOf(callGuest(sandbox, code, { args: [48], limits: small }))).toBe(
      'GUEST_MEMORY',
    );
    const large = { memoryBytes: 128 * 2 ** 20 };
    expect(await guestValue(sandbox, code, { args: [48], limits: large })).toBe(48 * 2 ** 20);
  });

  test('arguments and answers that would not fit are memory too', async () => {
    const limits = { memoryBytes: 32 * 2 ** 20 };
    const long = 'x'.repeat(9 * 2 ** 20);
    const echo = 'const f = (text) => text.length';
    expect(await codeOf(callGuest(sandbox, echo, { args: [long], limits }))).toBe('GUEST_MEMORY');
    const host = { 'db.get': () => long };
    const get = 'const f = () => { try { return db.get("x").length } catch { return 0 } }';
    expect(await codeOf(callGuest(sandbox, get, { host, limits }))).toBe('GUEST_MEMORY');
  });

  test('memory, under the smallest limit', async () => {
    const limits = { memoryBytes: 2 ** 20 };
    const code = 'function f() { const a = []; for (;;) a.push({ a: 1 }) }';
    expect(await codeOf(callGuest(sandbox, code, { limits }))).toBe('GUEST_MEMORY');
    expect(await codeOf(callGuest(sandbox, 'function f() { throw null }', { limits }))).toBe(
      'GUEST_ERROR',
    );
  });

  test.each([
    ['plain recursion', 'function f() { return f() + 1 }'],
    ['recursion through built-ins', 'const f = () => [1].map(f)'],
    [
      'recursion through toString',
      'const o = { toString() { return "" + o } }; const f = () => "" + o',
    ],
    ['a deeply nested JSON text', 'const f = () => JSON.parse("[".repeat(1e6)) '],
    [
      'a deeply nested regular expression',
      'const f = () => new RegExp("(".repeat(1e5) + ")".repeat(1e5))',
    ],
  ])('stack: %s', async (_, code) => {
    const result = await codeOf(callGuest(sandbox, code));
    expect(['GUEST_STACK', 'GUEST_ERROR']).toContain(result);
  });

  test('plain recursion is named for what it is', async () => {
    expect(await codeOf(callGuest(sandbox, 'function f() { return f() + 1 }'))).toBe('GUEST_STACK');
    const deep = { stackBytes: 256 * 2 ** 10 };
    const code = 'function f() { return f() + 1 }';
    expect(await codeOf(callGuest(sandbox, code, { limits: deep }))).toBe('GUEST_STACK');
  });

  test('output: a long string, and a long argument', async () => {
    const limits = { outputBytes: 10_000 };
    const long = 'const f = () => "x".repeat(20_000)';
    expect(await codeOf(callGuest(sandbox, long, { limits }))).toBe('GUEST_OUTPUT');
    const host = { 'db.put': () => 1 };
    const argument = 'const f = () => db.put({ text: "x".repeat(20_000) })';
    expect(await codeOf(callGuest(sandbox, argument, { limits, host }))).toBe('GUEST_OUTPUT');
  });

  test('host calls: the storm ends, whatever it catches', async () => {
    let calls = 0;
    const host = { 'db.get': () => ++calls };
    const code = 'function f() { for (;;) try { db.get("x") } catch {} }';
    const limits = { hostCalls: 25 };
    expect(await codeOf(callGuest(sandbox, code, { host, limits }))).toBe('GUEST_HOST_CALLS');
    expect(calls).toBe(25);
    const exact = 'function f() { for (let i = 0; i < 25; i++) db.get("x"); return "done" }';
    expect(await guestValue(sandbox, exact, { host, limits })).toBe('done');
  });
});

test('after all of this the sandbox is as good as new', async () => {
  const calls = Array.from({ length: 10 }, (_, n) =>
    guestValue(sandbox, 'const f = (n) => n * 2', { args: [n] }),
  );
  expect(await Promise.all(calls)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
});
