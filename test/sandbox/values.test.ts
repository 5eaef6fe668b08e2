import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Value } from '#jdbx/base/values.js';
import { takeValue } from '#jdbx/base/values.js';
import { PRELUDE_TEXTS } from '#jdbx/sandbox/guest/prelude.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { decodeValue } from '#jdbx/sandbox/values-crossing.js';
import { codeOf, errorOf, guestValue, callGuest as run } from './guest.js';

const sandbox = createSandbox({ workers: 2 });
afterAll(() => sandbox.close());

const SAMPLES: Value = {
  nothing: null,
  yes: true,
  number: -1.5e300,
  text: 'ünï \u0000 \u2028 "quoted" 😀',
  marked: ['\u0001d5', '\u0001', '\\u0001'],
  date: new Date(1_234_567_890_123),
  bytes: [[], [0], [1, 2], [253, 254, 255], [0, 1, 2, 3]].map((bytes) => Uint8Array.from(bytes)),
  nested: [[], {}, [{ a: [new Date(0)] }]],
  toJSON: 'a plain property',
  constructor: 'another',
};

describe('values cross unchanged', () => {
  test('into the guest and back', async () => {
    const code = 'function same(value) { return value }';
    expect(await guestValue(sandbox, code, { args: [SAMPLES] })).toEqual(SAMPLES);
  });

  test('through a host function, both ways', async () => {
    const seen: Value[] = [];
    const host = {
      'db.put': (value: Value) => {
        seen.push(value);
        return value;
      },
    };
    const code = 'function put(value) { return db.put(value) }';
    expect(await guestValue(sandbox, code, { args: [SAMPLES], host })).toEqual(SAMPLES);
    expect(seen).toEqual([SAMPLES]);
  });

  test('with the types that the guest expects', async () => {
    const code = `function types({ date, bytes }) {
      return [date instanceof Date, date.getTime(), bytes instanceof Uint8Array, bytes.length];
    }`;
    const args = [{ date: new Date(5), bytes: Uint8Array.of(7, 8) }];
    expect(await guestValue(sandbox, code, { args })).toEqual([true, 5, true, 2]);
  });

  test('whatever they are, in a batch of seeded random ones', async () => {
    const { tree } = fc.letrec((tie) => ({
      leaf: fc.oneof(
        fc.constantFrom(null, true, false, 0),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
        fc.string({ unit: 'binary' }),
        fc.string().map((text) => `\u0001${text}`),
        fc.date({ noInvalidDate: true }),
        fc.uint8Array({ maxLength: 20 }).map((bytes) => Uint8Array.from(bytes)),
      ),
      tree: fc.oneof(
        { depthSize: 'small' },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(
          fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
          tie('tree'),
          { maxKeys: 4, noNullPrototype: true },
        ),
      ),
    }));
    const values = fc.sample(tree, { numRuns: 300, seed: 42 }) as Value[];
    const returned = await guestValue(sandbox, 'const f = (values) => values', { args: [values] });
    expect(returned).toEqual(takeValue(values));
    expect(returned).toEqual(values);
  });

  test('with any number of fields, some of them undefined', async () => {
    const counts = [0, 1, 16, 17, 126, 127, 128, 129, 300, 16_383, 16_384, 16_385];
    const wide = (count: number, each: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, n) => [`f${n}`, n % each === 1 ? undefined : n]),
      ) as Value;
    for (const each of [2, 1e9]) {
      const args = [counts.map((count) => [wide(count, each), wide(count, each)])] as Value[];
      const returned = await guestValue(sandbox, 'const f = (values) => values', { args });
      expect(returned).toEqual(JSON.parse(JSON.stringify(args[0])));
    }
  });

  test('also in a process that gave all objects a property', async () => {
    const everything = Object.prototype as { shared?: number };
    everything.shared = 1;
    try {
      const code = 'const f = (value) => [value, Object.keys(value), value.shared]';
      const args = [{ a: { b: 1 } }, { shared: 2 }];
      const [value, keys, shared] = (await guestValue(sandbox, code, { args })) as never[];
      expect([JSON.stringify(value), keys, shared]).toEqual(['{"a":{"b":1}}', ['a'], null]);
    } finally {
      delete everything.shared;
    }
  });

  test('undefined becomes null, and an undefined property is left out', async () => {
    expect(await guestValue(sandbox, 'function f() {}')).toBeNull();
    const code = 'function f() { return { a: undefined, b: [undefined, , 1] } }';
    expect(await guestValue(sandbox, code)).toEqual({ b: [null, null, 1] });
    const host = { 'db.get': () => undefined };
    expect(await guestValue(sandbox, 'const f = () => db.get("x")', { host })).toBeNull();
  });
});

describe('what is not data is refused with its path', () => {
  test.each([
    ['a function', '() => 1', 'a.0.b', /function/],
    ['a symbol', 'Symbol("x")', 'a.0.b', /symbol/],
    ['a bigint', '10n', 'a.0.b', /bigint/],
    ['NaN', 'NaN', 'a.0.b', /finite number, got NaN/],
    ['an invalid date', 'new Date(NaN)', 'a.0.b', /invalid date/],
    ['a class instance', 'new (class Thing {})()', 'a.0.b', /instance of Thing/],
    ['a map', 'new Map()', 'a.0.b', /instance of Map/],
    ['a regular expression', '/x/', 'a.0.b', /regular expression/],
    ['an accessor', '{ get c() { throw 1 } }', 'a.0.b.c', /accessor/],
    ['a symbol key', '{ [Symbol.iterator]: 1 }', 'a.0.b', /symbol key/],
    ['a __proto__ key', 'JSON.parse(\'{"__proto__":{"x":1}}\')', 'a.0.b', /__proto__/],
    ['a lone surrogate', '"\\ud800"', 'a.0.b', /surrogate/],
    ['a promise', 'Promise.resolve(1)', 'a.0.b', /instance of Promise/],
  ])('%s', async (_, expression, path, text) => {
    const error = await errorOf(
      run(sandbox, `function f() { return { a: [{ b: ${expression} }] } }`),
    );
    expect(error.code).toBe('GUEST_OUTPUT');
    expect(error.path).toBe(path);
    expect(error.message).toMatch(text);
  });

  test('a cycle, a value too deep, and a value too large', async () => {
    const cycle = 'function f() { const a = { b: {} }; a.b.c = a; return a }';
    expect((await errorOf(run(sandbox, cycle))).message).toMatch(/at b\.c: .*cycle/);
    const deep = 'function f() { let a = 1; for (let i = 0; i < 200; i++) a = [a]; return a }';
    expect((await errorOf(run(sandbox, deep))).message).toMatch(/levels of nesting/);
    const shared =
      'function f() { let a = [1]; for (let i = 0; i < 40; i++) a = [a, a]; return a }';
    const limits = { outputBytes: 10_000 };
    expect(await codeOf(run(sandbox, shared, { limits }))).toBe('GUEST_OUTPUT');
    const sparse = 'function f() { return new Array(4294967295) }';
    expect(await codeOf(run(sandbox, sparse, { limits }))).toBe('GUEST_OUTPUT');
  });

  test('an output over its limit, measured in bytes', async () => {
    const code = 'function f(n) { return "é".repeat(n) }';
    const limits = { outputBytes: 1_002 };
    expect(await codeOf(run(sandbox, code, { args: [501], limits }))).toBe('GUEST_OUTPUT');
    expect(await guestValue(sandbox, code, { args: [500], limits })).toHaveLength(500);
  });

  test('an argument of a host call: the guest may catch it, the host never sees it', async () => {
    let calls = 0;
    const host = { 'db.put': () => ++calls };
    const caught =
      'function f() { try { db.put({ a: () => 1 }) } catch (e) { return [e.code, e.message] } }';
    expect(await guestValue(sandbox, caught, { host })).toEqual([
      'GUEST_OUTPUT',
      'at db.put.0.a: expected data, got a function',
    ]);
    const error = await errorOf(run(sandbox, 'function f() { db.put({ a: f }) }', { host }));
    expect([error.code, error.path]).toEqual(['GUEST_OUTPUT', 'db.put.0.a']);
    expect(calls).toBe(0);
  });

  test('an argument from the host that no document can hold', async () => {
    const error = await errorOf(
      run(sandbox, 'function f() {}', { args: [{ a: () => 1 } as never] }),
    );
    expect([error.code, error.path]).toEqual(['INVALID_DOCUMENT', 'args.0.a']);
  });
});

describe('a guest that replaces the language', () => {
  const sabotage = `
    var evil = () => { throw new SyntaxError('sabotaged') };
    {
      const { ownKeys, defineProperty } = Reflect;
      const types = [Map, String, Date, Uint8Array, WeakMap, Promise, Function, RegExp, Error, Array];
      const prototypes = types.map((type) => type.prototype);
      for (let i = 0; i < prototypes.length; i++) {
        const keys = ownKeys(prototypes[i]);
        for (let j = 0; j < keys.length; j++) {
          if (keys[j] !== 'constructor') try { prototypes[i][keys[j]] = evil } catch {}
        }
      }
      JSON.stringify = JSON.parse = Array.isArray = Number.isFinite = evil;
      Object.getOwnPropertyDescriptor = Object.hasOwn = evil;
      for (let i = 0, keys = ownKeys(Reflect); i < keys.length; i++) Reflect[keys[i]] = evil;
      defineProperty(Array.prototype, '0', { set: evil, get: evil });
      Array.prototype.toJSON = Object.prototype.toJSON = () => 'forged';
      Object.prototype.host = 0;
      Object.prototype.value = Object.prototype.then = 'forged';
      globalThis.Date = globalThis.Error = globalThis.Uint8Array = globalThis.Proxy = evil;
      globalThis.eval = globalThis.Reflect = globalThis.Object = globalThis.JSON = undefined;
    }`;

  test('still returns its real values', async () => {
    const code = `const started = new Date(7); ${sabotage}
      function f(value) { return { value, started, list: [1, 'x'] } }`;
    expect(await guestValue(sandbox, code, { args: [SAMPLES] })).toEqual({
      value: SAMPLES,
      started: new Date(7),
      list: [1, 'x'],
    });
  });

  test('still reaches the host with its real arguments', async () => {
    const seen: Value[] = [];
    const host = { 'db.put': (value: Value) => void seen.push(value) };
    const code = `${sabotage} async function f(value) { db.put(value); await 1; return value }`;
    expect(await guestValue(sandbox, code, { args: [SAMPLES], host })).toEqual(SAMPLES);
    expect(seen).toEqual([SAMPLES]);
  });

  test('changes nothing in the host, in either direction', async () => {
    const before = Reflect.ownKeys(Object.prototype).length;
    const args = [JSON.parse('{"constructor":{"prototype":{"polluted":1}}}')];
    const code = `function f(value) {
      value.constructor.prototype.more = 1;
      Object.prototype.polluted = [].constructor.prototype.polluted = 1;
      return value;
    }`;
    const value = await guestValue(sandbox, code, { args });
    expect(value).toEqual({ constructor: { prototype: { polluted: 1, more: 1 } } });
    expect(Reflect.ownKeys(Object.prototype)).toHaveLength(before);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

test('a text that no guest should be able to make is refused', () => {
  for (const text of ['', '{', '{"__proto__":{"a":1}}', '"\\u0001dNaN"', '"\\ud800"', '1e999']) {
    expect(() => decodeValue(text), text).toThrow(/GUEST_OUTPUT/);
  }
});

test('the prelude holds nothing that the engine looks up where a guest could replace it', () => {
  expect(PRELUDE_TEXTS.join('\n')).not.toMatch(/`|\bfor \((?:const|let) [^;]* of /);
});
