import { beforeAll, describe, expect, test } from 'vitest';
import { InThread, type Options, type Ran } from './in-thread.js';

let thread: InThread;
beforeAll(async () => {
  thread = await InThread.open();
});
const run = (code: string, options?: Options): Promise<Ran> => thread.run(code, options);

const PLAIN = 'let calls = 0; function f(n) { return [++calls, n, Math.random()] }';

/** What a guest may leave: in the heap, above its old end, on the stack, in freed blocks. */
const LEFTOVERS = [
  ['nothing much', PLAIN],
  ['other globals', 'function f() { globalThis.left = "over".repeat(1000); [].__proto__.x = f }'],
  ['12 MiB, freed again', 'function f() { new Uint8Array(12e6).fill(7); return 1 }'],
  ['8 MiB, not freed', 'function f() { globalThis.left = new Uint8Array(8e6).fill(7) }'],
  [
    'a stack as deep as it may be',
    'function f() { let n = 0; const g = () => { n++; g() }; try { g() } catch {} return n }',
  ],
  [
    'one huge frame',
    `function f() { const g = (${Array.from({ length: 4000 }, (_, n) => `a${n} = ${n}`)}) => a7; try { g() } catch {} }`,
  ],
  ['a deep stack of built-ins', 'const f = () => { try { [1].map(f) } catch {} }'],
  ['an exception', 'function f() { throw new Error("left".repeat(1000)) }'],
  ['pending jobs', 'function f() { const g = () => Promise.resolve().then(g); g(); return 1 }'],
  ['a promise that nothing settles', 'const f = () => new Promise(() => {})'],
  ['a host call', 'function f() { db.get("x"); console.log("seen") }'],
  ['code that fails to load', 'throw 1; function f() {}'],
  ['code that is seen when it loads', 'console.log(1); Math.random(); function f() {}'],
] as const;

describe('before every call the memory is, byte for byte, what it was before the first', () => {
  test.each(LEFTOVERS)('after a guest that left %s', async (_, code) => {
    const host = { 'db.get': () => '+1' };
    const before = await run(PLAIN, { args: [1] });
    const again = await run(PLAIN, { args: [1] });
    const first = await run(code, { host });
    const second = await run(code, { host, seed: 'another' });
    const third = await run(code, { host });
    const after = await run(PLAIN, { args: [1] });
    expect(third.hash).toBe(second.hash);
    expect(after.hash).toBe(again.hash);
    expect(after.outcome).toEqual(before.outcome);
    expect(third.outcome).toEqual(first.outcome);
  });

  test('also in another instance, made after one had grown', async () => {
    const before = await run(PLAIN, { args: [1] });
    const again = await run(PLAIN, { args: [1] });
    const grown = await run('function f() { globalThis.left = new Uint8Array(2e7); }');
    const after = await run(PLAIN, { args: [1] });
    expect(grown.realm.instance.hasGrown).toBe(true);
    expect(after.realm.instance).not.toBe(before.realm.instance);
    expect(after.hash).toBe(again.hash);
    expect(after.outcome).toEqual(before.outcome);
  });

  test('and two documents, or one with other rights or limits, never share an image', async () => {
    const other = PLAIN.replace('calls', 'other').replace('++calls', '++other');
    const limits = { stackBytes: 64 * 2 ** 10 };
    const runs = [
      [PLAIN, {}],
      [other, {}],
      [PLAIN, { host: { 'db.get': () => '+1' } }],
      [PLAIN, { limits }],
    ] as const;
    for (const [code, options] of runs) await run(code, options);
    const hashes = [];
    for (const [code, options] of runs) hashes.push((await run(code, options)).hash);
    expect(new Set(hashes).size).toBe(runs.length);
  });
});

describe('code is evaluated once for all calls', () => {
  test('when evaluating it reads nothing of a call and is not seen', async () => {
    const first = await run('const table = [1, 2, 3].map((n) => n * n); const f = () => table');
    const second = await run('const table = [1, 2, 3].map((n) => n * n); const f = () => table');
    expect([first.wasPrepared, second.wasPrepared]).toEqual([false, true]);
    expect(second.outcome).toEqual({ kind: 'value', text: '[1,4,9]' });
  });

  test('and starts from the seed of each call', async () => {
    const code = 'const { random } = Math; const f = () => [random(), random()]';
    const outcomes = [];
    for (const seed of ['a', 'a', 'b', 'a']) outcomes.push((await run(code, { seed })).outcome);
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).not.toEqual(outcomes[0]);
    expect(outcomes[3]).toEqual(outcomes[0]);
  });
});

describe('code is evaluated in each call', () => {
  test('when it draws a random number', async () => {
    const code = 'const drawn = Math.random(); const f = () => [drawn, Math.random()]';
    const runs = [];
    for (const seed of ['a', 'a', 'b']) runs.push(await run(code, { seed }));
    expect(runs.map(({ wasPrepared }) => wasPrepared)).toEqual([false, false, false]);
    expect(runs[1]?.outcome).toEqual(runs[0]?.outcome);
    expect(runs[2]?.outcome).not.toEqual(runs[0]?.outcome);
  });

  test('when it prints or calls the host', async () => {
    const host = { 'db.get': () => '+"read"' };
    const code = 'console.log("loading"); const found = db.get("x"); const f = () => found';
    for (let round = 0; round < 3; round++) {
      const { wasPrepared, lines, outcome } = await run(code, { host });
      expect({ wasPrepared, lines }).toEqual({ wasPrepared: false, lines: ['loading'] });
      expect(outcome).toEqual({ kind: 'value', text: '"read"' });
    }
  });
});

describe('a replay is the same down to the memory', () => {
  test.each([
    ['random numbers', 'function f() { return [Math.random(), Math.random()] }'],
    [
      'objects, maps and texts',
      'function f() { const m = new Map(); for (let i = 0; i < 5e3; i++) m.set("k" + i, { i }); return m.size }',
    ],
    [
      'an overflow that is caught',
      'function f() { let n = 0; const g = () => { n++; g() }; try { g() } catch {} return n }',
    ],
    [
      'host calls',
      'function f() { const a = []; for (let i = 0; i < 50; i++) a.push(db.get(i)); return a }',
    ],
    [
      'jobs',
      'async function f() { let n = 0; for (let i = 0; i < 300; i++) n += await i; return n }',
    ],
    [
      'a sort',
      'function f() { return Array.from({ length: 3e3 }, () => Math.random()).sort().at(-1) }',
    ],
    ['an error', 'function f() { null.x }'],
  ])('with %s', async (_, code) => {
    const host = { 'db.get': () => '+{"a":[1,2,3]}' };
    const runs = [];
    for (let round = 0; round < 4; round++) {
      // Others run in between, in the same memory.
      await run(PLAIN, { args: [round] });
      const { hashAfter, outcome } = await run(code, { host });
      runs.push({ hashAfter, outcome });
    }
    expect(runs.slice(1)).toEqual(runs.slice(0, -1));
  });
});
