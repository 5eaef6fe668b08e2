import { afterAll, describe, expect, test } from 'vitest';
import { JdbxError } from '#jdbx/base/errors.js';
import type { Value } from '#jdbx/base/values.js';
import { CONSOLE_LIMITS } from '#jdbx/sandbox/console-log.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { callGuest, codeOf, errorOf, guestValue } from './guest.js';

const sandbox = createSandbox({ workers: 2 });
afterAll(() => sandbox.close());

describe('a call', () => {
  test('runs the function that the entry rule names', async () => {
    const script = 'function first() { return 1 }\nfunction last() { return first() + 1 }';
    expect(await guestValue(sandbox, script)).toBe(2);
    expect(await guestValue(sandbox, script, { entry: 'first' })).toBe(1);
    expect(await guestValue(sandbox, 'export default (a, b) => a + b', { args: [2, 3] })).toBe(5);
    const module = 'const hidden = () => "hidden"; export function shown() {} // last line';
    expect(await guestValue(sandbox, module, { entry: 'hidden' })).toBe('hidden');
  });

  test('awaits an async function, and thenables as the language does', async () => {
    const code = 'async function f(n) { await 0; return (await Promise.all([n, 2])).length + n }';
    expect(await guestValue(sandbox, code, { args: [5] })).toBe(7);
    expect(await guestValue(sandbox, 'const f = () => ({ then(done) { done(3) } })')).toBe(3);
  });

  test('whose promise nothing settles fails instead of waiting', async () => {
    const error = await errorOf(callGuest(sandbox, 'const f = () => new Promise(() => {})'));
    expect([error.code, error.message]).toEqual([
      'GUEST_ERROR',
      'GUEST_ERROR: the entry returned a promise that nothing will settle',
    ]);
  });

  test('says what it cost', async () => {
    const host = { 'db.get': () => 1 };
    const code = 'function f() { db.get("a"); db.get("b") }';
    const result = await callGuest(sandbox, code, { host });
    expect(result.hostCalls).toBe(2);
    expect(result.durationMs).toBeGreaterThan(0);
  });

  test('with code that does not parse is refused before any worker has it', async () => {
    const error = await errorOf(callGuest(sandbox, 'function f( {\n'));
    expect([error.code, error.details?.line]).toEqual(['GUEST_SYNTAX', 2]);
  });
});

describe('an exception', () => {
  test('carries the message, the place and the stack in the document’s own lines', async () => {
    const code = 'function g() {\n  const x = null;\n  return x.y;\n}\nfunction f() { return g() }';
    const error = await errorOf(callGuest(sandbox, code));
    expect(error.message).toMatch(/^GUEST_ERROR: TypeError: /);
    expect(error.details).toMatchObject({ name: 'transformer:test', line: 3 });
    expect(error.details?.stack).toMatch(/at g \(transformer:test:3:\d+\)\n.*at f /);
    expect(JSON.stringify(error.details)).not.toMatch(/jdbx>|node:|file:|\/src\/|\.js/);
  });

  test('in async code is told the same way', async () => {
    const code = 'async function f() {\n  await 0;\n  throw new RangeError("late");\n}';
    const error = await errorOf(callGuest(sandbox, code));
    expect(error.message).toBe('GUEST_ERROR: RangeError: late');
    expect(error.details?.line).toBe(3);
  });

  test('with a code of its own keeps it, and what was printed before', async () => {
    const code = `function f() {
      console.log('before');
      throw Object.assign(new Error('no stock'), { code: 'OUT_OF_STOCK' });
    }`;
    const error = await errorOf(callGuest(sandbox, code));
    expect(error.details).toMatchObject({
      guestCode: 'OUT_OF_STOCK',
      console: [{ level: 'log', text: 'before' }],
    });
  });

  test.each([
    ['a string', '"plain text"', 'GUEST_ERROR: plain text'],
    ['null', 'null', 'GUEST_ERROR: null'],
    ['undefined', 'undefined', 'GUEST_ERROR: undefined'],
    ['a symbol', 'Symbol("s")', 'GUEST_ERROR: Symbol(s)'],
    ['an object', '{ a: 1 }', 'GUEST_ERROR: { a: 1 }'],
    ['a getter trap', '{ get message() { for (;;); } }', 'GUEST_ERROR: { message: [accessor] }'],
    [
      'a proxy that throws',
      'new Proxy({}, { getPrototypeOf() { throw 1 } })',
      'GUEST_ERROR: an exception that cannot be read',
    ],
  ])('that is %s is described without running it', async (_, thrown, message) => {
    const error = await errorOf(callGuest(sandbox, `function f() { throw ${thrown} }`));
    expect(error.message).toBe(message);
  });
});

describe('the console', () => {
  test('is captured in order, with levels and readable objects', async () => {
    const code = `function f() {
      console.log('a', 1, [true, null, undefined]);
      console.warn({ text: 'x', date: new Date(0), nested: { list: [1n, Symbol('s')] } });
      console.error(new TypeError('bad'));
      console.info(new Uint8Array(3), () => 1);
      console.debug({ get secret() { throw 1 } });
      const cycle = {}; cycle.self = cycle;
      console.log(cycle);
    }`;
    const lines = (await callGuest(sandbox, code)).console;
    expect(lines.slice(0, 5)).toEqual([
      { level: 'log', text: 'a 1 [true, null, undefined]' },
      {
        level: 'warn',
        text: '{ text: "x", date: 1970-01-01T00:00:00.000Z, nested: { list: [1n, Symbol(s)] } }',
      },
      { level: 'error', text: 'TypeError: bad' },
      { level: 'info', text: '[3 bytes] [function]' },
      { level: 'debug', text: '{ secret: [accessor] }' },
    ]);
    expect(lines[5]?.text).toMatch(/^\{ self: \{ self: /);
  });

  test('is bounded in lines and bytes, and says what was dropped', async () => {
    const many = 'function f() { for (let i = 0; i < 1000; i++) console.log(i) }';
    const lines = (await callGuest(sandbox, many)).console;
    expect(lines).toHaveLength(CONSOLE_LIMITS.linesMax + 1);
    expect(lines.at(-1)?.text).toBe('… 800 more lines were dropped');
    const long = 'function f() { for (let i = 0; i < 100; i++) console.log("x".repeat(1e5)) }';
    const kept = (await callGuest(sandbox, long)).console.map(({ text }) => text).join('');
    expect(kept.length).toBeLessThan(CONSOLE_LIMITS.bytesMax + 100);
  });
});

describe('host functions', () => {
  test('are synchronous in the guest, also when they are async in the host, and may be awaited', async () => {
    const host = {
      'db.get': async (id: Value) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { _id: id, n: 20 };
      },
      'llm.call': (request: Value) => ({ answered: request }),
      checkpoint: (...args: Value[]) => args.length,
    };
    const code = `async function f(id) {
      const plain = db.get(id).n;
      const awaited = (await db.get(id)).n;
      return [plain + awaited, llm.call('hi').answered, await checkpoint(1, 2, 3)];
    }`;
    expect(await guestValue(sandbox, code, { args: ['a'], host })).toEqual([40, 'hi', 3]);
  });

  test('are frozen, and db is there even when nothing is permitted', async () => {
    const code = `function f() {
      const before = db.get;
      db.get = () => 'forged'; db.more = 1; delete db.get;
      return [db.get === before, 'more' in db, Object.isFrozen(db), typeof db.put];
    }`;
    const host = { 'db.get': () => 1 };
    expect(await guestValue(sandbox, code, { host })).toEqual([true, false, true, 'undefined']);
    expect(await guestValue(sandbox, 'const f = () => typeof db')).toBe('object');
  });

  test('take any number of arguments, and are plain functions to the guest', async () => {
    const seen: Value[][] = [];
    const host = {
      'db.get': (...given: Value[]) => given.length,
      keep: (...given: Value[]) => void seen.push(given),
    };
    const code = `function f() {
      keep(); keep(undefined); keep(1, 'two', [3], { four: 4 });
      const many = Array.from({ length: 300 }, (_, n) => n);
      const { get } = db;
      return [get(...many), db.get.call({ other: 1 }), get.name, get.length, typeof get,
        String(get).includes('native code'), 'prototype' in get];
    }`;
    const value = await guestValue(sandbox, code, { host });
    expect(value).toEqual([300, 0, 'get', 0, 'function', true, false]);
    expect(seen).toEqual([[], [null], [1, 'two', [3], { four: 4 }]]);
  });

  test('are not called when the guest’s own code throws on the way out', async () => {
    let calls = 0;
    const host = { 'db.put': () => calls++ };
    const code = `function f() {
      const trap = () => { throw new RangeError('mine') };
      const odd = new Proxy({}, { ownKeys: trap });
      try { db.put(odd) } catch (e) { return [e instanceof RangeError, e.message] }
    }`;
    expect(await guestValue(sandbox, code, { host })).toEqual([true, 'mine']);
    expect(calls).toBe(0);
  });

  test('may be called while the arguments of another call are read', async () => {
    const seen: Value[] = [];
    const host = { 'db.put': (value: Value) => seen.push(value) };
    const code = `function f() {
      const inner = { get: (target, key) => Reflect.get(target, key),
        ownKeys(target) { db.put('inside'); return Reflect.ownKeys(target) } };
      return db.put(new Proxy({ outside: 1 }, inner));
    }`;
    expect(await guestValue(sandbox, code, { host })).toBe(2);
    expect(seen).toEqual(['inside', { outside: 1 }]);
  });

  test('throw into the guest an error with code and message, and nothing of the host', async () => {
    const host = {
      'db.put': () => {
        throw new JdbxError('CONFLICT', 'expected revision 2, got 3');
      },
    };
    const code = `function f() {
      try { db.put({}) } catch (e) {
        return [e instanceof Error, e.code, e.message, e.stack, Object.keys(e)];
      }
    }`;
    const [isError, errorCode, message, stack, keys] = (await guestValue(sandbox, code, {
      host,
    })) as [boolean, string, string, string, string[]];
    expect([isError, errorCode, keys]).toEqual([true, 'CONFLICT', []]);
    expect(message).toBe('CONFLICT: expected revision 2, got 3');
    expect(stack).not.toMatch(/node:|file:|\/|\.ts|\.js/);
  });

  test('whose error the guest lets through give the caller that same error', async () => {
    const original = new JdbxError('CONFLICT', 'expected revision 2, got 3');
    const host = {
      'db.put': async () => {
        throw original;
      },
    };
    const call = callGuest(sandbox, 'async function f() { await db.put({}) }', { host });
    await expect(call).rejects.toBe(original);
    const bug = { 'db.put': () => (undefined as unknown as Error).message };
    const error = await errorOf(callGuest(sandbox, 'const f = () => db.put({})', { host: bug }));
    expect([error.code, error.cause instanceof TypeError]).toEqual(['GUEST_ERROR', true]);
  });

  test('cannot be impersonated: a guest error with the same code stays a guest error', async () => {
    const code =
      'function f() { throw Object.assign(new Error("x"), { code: "CONFLICT", host: 0 }) }';
    expect(await codeOf(callGuest(sandbox, code))).toBe('GUEST_ERROR');
  });
});

describe('db.query', () => {
  const documents = [{ n: 3 }, { n: 1 }, { n: 2 }];

  function queryHost() {
    const calls: Value[][] = [];
    const host = {
      'db.query': (...args: Value[]) => {
        calls.push(args);
        const { mode } = args[1] as { mode: string };
        if (mode === 'count') return 3;
        if (mode === 'first') return documents[0];
        return mode === 'explain' ? { index: 'by n' } : documents;
      },
    };
    return { host, calls };
  }

  test('chains into one read, and hands the host the whole request', async () => {
    const { host, calls } = queryHost();
    const code = `const f = () =>
      db.query({ a: 1 }).sort({ n: -1 }).skip(1).limit(5).project({ n: 1 }).toArray()`;
    expect(await guestValue(sandbox, code, { host })).toEqual(documents);
    expect(calls).toEqual([
      [{ a: 1 }, { sort: { n: -1 }, skip: 1, limit: 5, project: { n: 1 }, mode: 'toArray' }],
    ]);
  });

  test('answers first, count and explain by asking the host for just that', async () => {
    const { host, calls } = queryHost();
    const code =
      'const f = () => { const c = db.query({}); return [c.first(), c.count(), c.explain()] }';
    expect(await guestValue(sandbox, code, { host })).toEqual([{ n: 3 }, 3, { index: 'by n' }]);
    expect(calls.map(([, shape]) => (shape as { mode: string }).mode)).toEqual([
      'first',
      'count',
      'explain',
    ]);
  });

  test.each([
    ['map', 'c.map((d) => d.n)', [3, 1, 2]],
    ['filter', 'c.filter((d) => d.n > 1)', [{ n: 3 }, { n: 2 }]],
    ['forEach', '{ let sum = 0; c.forEach((d) => { sum += d.n }); return sum }', 6],
    ['slice', 'c.slice(-1)', [{ n: 2 }]],
    ['length', 'c.length', 3],
    ['an index', 'c[0].n', 3],
    ['for…of', '{ let sum = 0; for (const d of c) sum += d.n; return sum }', 6],
    ['for await', '{ let sum = 0; for await (const d of c) sum += d.n; return sum }', 6],
    ['spread', '[...c, 4].length', 4],
    ['destructuring', '{ const [a, ...rest] = c; return [a.n, rest.length] }', [3, 2]],
    ['sort by comparator', 'c.sort((a, b) => a.n - b.n).map((d) => d.n)', [1, 2, 3]],
    ['await', '(await c).length', 3],
    ['JSON', 'JSON.stringify(c)', '[{"n":3},{"n":1},{"n":2}]'],
    ['Array.isArray', 'Array.isArray(c) && c.length', 3],
    ['being returned', 'c', documents],
    ['being returned inside', '({ c })', { c: documents }],
  ])('is an array to %s, read once', async (_, expression, expected) => {
    const { host, calls } = queryHost();
    const body = expression.startsWith('{ ') ? expression : `{ return ${expression} }`;
    const code = `async function f() { const c = db.query({}); ${body} }`;
    expect(await guestValue(sandbox, code, { host })).toEqual(expected);
    expect(calls).toHaveLength(1);
  });

  test('reads nothing until it is used, and refuses to be refined afterwards', async () => {
    const { host, calls } = queryHost();
    expect(
      await guestValue(sandbox, 'function f() { db.query({}).sort({ n: 1 }) }', { host }),
    ).toBeNull();
    expect(calls).toHaveLength(0);
    const late = 'function f() { const c = db.query({}); c.length; c.limit(1) }';
    expect((await errorOf(callGuest(sandbox, late, { host }))).message).toMatch(/limit\(\) after/);
  });

  test('passes an argument that is a cursor as the array it is', async () => {
    const { host } = queryHost();
    const puts: Value[] = [];
    const both = { ...host, 'db.put': (value: Value) => void puts.push(value) };
    await guestValue(sandbox, 'const f = () => db.put({ found: db.query({}) })', { host: both });
    expect(puts).toEqual([{ found: documents }]);
  });
});

describe('state', () => {
  const code = `globalThis.count = (globalThis.count ?? 0) + 1;
    let calls = 0;
    function f() { Array.prototype.left = 1; return [count, ++calls] }`;

  test('is clean at every call', async () => {
    for (let round = 0; round < 5; round++) expect(await guestValue(sandbox, code)).toEqual([1, 1]);
    expect(await guestValue(sandbox, 'const f = () => [].left ?? null')).toBeNull();
  });

  test('is kept for the same name and code with reuse, and for no other', async () => {
    const options = { reuse: true, name: 'transformer:kept' };
    const seen = [];
    for (let round = 0; round < 4; round++) seen.push(await guestValue(sandbox, code, options));
    expect(seen).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
    ]);
    expect(await guestValue(sandbox, code, { reuse: true, name: 'transformer:other' })).toEqual([
      1, 1,
    ]);
    expect(await guestValue(sandbox, `${code} `, options)).toEqual([1, 1]);
    expect(await guestValue(sandbox, code, { name: 'transformer:kept' })).toEqual([1, 1]);
  });

  test('kept by reuse goes on in turn when calls overlap, and starts anew after a timeout', async () => {
    const options = { reuse: true, name: 'transformer:turns', limits: { timeoutMs: 300 } };
    const counter = 'let n = 0; function f(loop) { n++; while (loop); return n }';
    const all = Array.from({ length: 6 }, () =>
      guestValue(sandbox, counter, { ...options, args: [false] }),
    );
    expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5, 6]);
    const hung = callGuest(sandbox, counter, { ...options, args: [true] });
    expect(await codeOf(hung)).toBe('GUEST_TIMEOUT');
    expect(await guestValue(sandbox, counter, { ...options, args: [false] })).toBe(1);
  });
});

describe('determinism', () => {
  const code = `const loaded = Date.now();
    function f() {
      const spent = []; for (let i = 0; i < 50; i++) spent.push(Math.random());
      return [loaded, new Date(), Date.now(), spent, new Date(2020, 6, 1).getTimezoneOffset(),
        new Date(2020, 6, 1, 12).toString()];
    }`;

  test('the same now and seed give the same run; another seed gives other numbers', async () => {
    const first = await guestValue(sandbox, code);
    expect(await guestValue(sandbox, code)).toEqual(first);
    const other = (await guestValue(sandbox, code, { seed: 'another' })) as Value[];
    expect(other[3]).not.toEqual((first as Value[])[3]);
    for (const number of other[3] as number[]) {
      expect(number).toBeGreaterThanOrEqual(0);
      expect(number).toBeLessThan(1);
    }
  });

  test('time starts at now, is UTC, and passes only as the guest looks at it', async () => {
    const now = Date.UTC(2031, 4, 6);
    const [loaded, date, later, , offset, text] = (await guestValue(sandbox, code, {
      now,
    })) as Value[];
    expect([loaded, date, later, offset]).toEqual([now, new Date(now), now, 0]);
    expect(text).toBe('Wed Jul 01 2020 12:00:00 GMT+0000');
    const wait =
      'function f() { const t = Date.now(); while (Date.now() < t + 5); return Date.now() - t }';
    expect(await guestValue(sandbox, wait)).toBe(5);
  });

  test('a kept realm gets the time and the numbers of each call', async () => {
    const options = { reuse: true, name: 'transformer:dice' };
    const dice = 'const f = () => [Date.now(), Math.random()]';
    const [first, second, third] = [
      await guestValue(sandbox, dice, { ...options, now: 1, seed: 'a' }),
      await guestValue(sandbox, dice, { ...options, now: 2, seed: 'b' }),
      await guestValue(sandbox, dice, { ...options, now: 1, seed: 'a' }),
    ];
    expect(third).toEqual(first);
    expect(second).not.toEqual(first);
  });

  test('nothing of the host is in sight', async () => {
    const probe = `function f() {
      const names = ['process', 'require', 'performance', 'Intl', 'Atomics', 'setTimeout', 'fetch',
        'WebAssembly', 'hostCall', 'print', 'boot'];
      return names.filter((name) => new Function('return typeof ' + name)() !== 'undefined');
    }`;
    expect(await guestValue(sandbox, probe)).toEqual([]);
    const dynamic = `async function f() { return (await eval('import("node:fs")')).readFileSync }`;
    expect(await codeOf(callGuest(sandbox, dynamic))).toBe('GUEST_ERROR');
  });
});
