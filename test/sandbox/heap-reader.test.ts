import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Value } from '#jdbx/base/values.js';
import { CallBudget } from '#jdbx/sandbox/call-budget.js';
import { ConsoleLog } from '#jdbx/sandbox/console-log.js';
import { GUEST_LIMITS, type GuestLimits } from '#jdbx/sandbox/contract.js';
import { checkGuestCode } from '#jdbx/sandbox/entry.js';
import { encodeAnswer, encodeForGuest } from '#jdbx/sandbox/guest-values.js';
import { Instance } from '#jdbx/sandbox/instance.js';
import { measureLayout } from '#jdbx/sandbox/memory-layout.js';
import {
  type CallMessage,
  CONTROL,
  type GuestOutcome,
  monotonicNow,
} from '#jdbx/sandbox/messages.js';
import { Realm } from '#jdbx/sandbox/realm.js';
import { bootRealm, type PreparedRealm } from '#jdbx/sandbox/realm-boot.js';
import { compileQuickJs } from '#jdbx/sandbox/wasm-module.js';

/**
 * Values leave a guest in two ways: read from its memory where they are plain
 * data, else written by the prelude. Whatever the first gives, the second must
 * give as well; so each case runs with the first and again without it.
 */
let instance: Instance;
let base: PreparedRealm;

beforeAll(async () => {
  const wasm = await compileQuickJs();
  const parts = { wasm, layout: await measureLayout(wasm) };
  instance = await Instance.create(parts, GUEST_LIMITS.defaults.memoryBytes);
  base = bootRealm(instance);
});

interface Options {
  readonly args?: readonly Value[];
  readonly limits?: Partial<GuestLimits>;
}
interface Seen {
  readonly outcome: GuestOutcome;
  /** The texts that host calls brought. */
  readonly calls: readonly string[];
}

function run(code: string, { args = [], limits }: Options, isRead: boolean): Seen {
  const call: CallMessage = {
    key: code,
    id: 1,
    name: 'transformer:test',
    code,
    ...checkGuestCode(code, { name: 'transformer:test' }),
    argumentsText: encodeForGuest(args),
    host: ['db.put'],
    limits: { ...GUEST_LIMITS.defaults, ...limits },
    deadline: monotonicNow() + 20_000,
    now: 0,
    seed: 'seed',
    reuse: false,
  };
  const budget = new CallBudget(call, new Int32Array(CONTROL.cells));
  const calls: string[] = [];
  const callHost = (name: string, text: string) => {
    calls.push(`${name}${text}`);
    return encodeAnswer(1);
  };
  const scope = { budget, log: new ConsoleLog(), clock: { readings: 0 }, onPoll() {}, callHost };
  instance.restore(base.image);
  const { heap, ...addresses } = base.addresses;
  const realm = new Realm(instance, { ...addresses, heap: isRead ? heap : undefined }, scope);
  return { outcome: realm.run(call, scope), calls };
}

function expectSame(code: string, options: Options = {}): Seen {
  const read = run(code, options, true);
  expect(read).toEqual(run(code, options, false));
  return read;
}

test('the engine’s heap is laid out as the reader thinks', () => {
  expect(base.addresses.heap).toBeDefined();
});

test('the realm keeps the text of the guest’s functions, and none of the prelude’s', () => {
  expect(base.addresses.switchAt).toBeDefined();
  const code = 'function f() { return [f, console.log, db.put].map(String) }';
  const { outcome } = run(code, {}, true);
  const [own, log, put] = JSON.parse((outcome as { text: string }).text) as string[];
  expect(own).toBe(code);
  for (const text of [log, put])
    expect(text).toMatch(/^function \w*\(\) \{\s+\[native code\]\s+\}$/);
});

describe('a value is the same, read from memory or written by the guest', () => {
  test.each([
    ['numbers', '[0, -0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 53, 0.1, 1e21, 1e-7, 5e-324, 1.7e308]'],
    ['whole numbers', 'Array.from({ length: 2400 }, (_, n) => n - 1200)'],
    ['letters of one byte', 'Array.from({ length: 256 }, (_, n) => String.fromCharCode(65, n))'],
    ['texts about as long as a short one', '[255, 256, 257].map((n) => "é".repeat(n))'],
    [
      'names of every kind',
      '({ "": 0, " ": 1, __proto: 2, __protos__: 3, _: 4, é1: 5, "中1": 6, ["x".repeat(300)]: 7 })',
    ],
    ['names like large numbers', '({ a: 1, 2147483648: 2, 4294967294: 3, 4294967296: 4 })'],
    ['not quite numbers', '[1 / 3, Number.MAX_SAFE_INTEGER, 4294967295, 123456789.125]'],
    ['NaN', 'NaN'],
    ['infinity', '({ a: -Infinity })'],
    ['constants', '[true, false, null, undefined]'],
    ['nothing', 'undefined'],
    ['texts', '["", "a", "é", "中", "\\u{1F600}", "\\"", "\\\\", "\\n", "\\u007f", "\\u2028"]'],
    [
      'a text with the mark',
      '["\\u0001", "\\u0001d7", "a\\u0001", "\\u0001é中", { "\\u0001k": 1 }]',
    ],
    ['a lone surrogate', '"\\ud800"'],
    ['long texts', '["x".repeat(5000), "中".repeat(5000), "\\"".repeat(100)]'],
    ['texts put together', '"ab".repeat(2000) + "中".repeat(2000) + 1 + "cd".repeat(3000)'],
    [
      'a text grown step by step',
      '(() => { let s = ""; for (let i = 0; i < 3000; i++) s += "line " + i; return s })()',
    ],
    ['objects', '({ a: 1, b: { c: [] }, "": 0, "a b": 1, é: 2, 中: 3, "\\n": 4 })'],
    ['numbers for names', '({ b: 1, 2: 2, a: 3, 1: 4, "-1": 5, "01": 6, 4294967295: 7 })'],
    [
      'deleted properties',
      '(() => { const o = { a: 1, b: 2, c: 3, d: 4 }; delete o.b; o.e = 5; return o })()',
    ],
    ['undefined properties', '({ a: undefined, b: 1 })'],
    ['a hidden property', 'Object.defineProperty({ a: 1 }, "hidden", { value: 2 })'],
    ['a symbol for a name', '({ [Symbol("s")]: 1 })'],
    ['a hidden symbol', 'Object.defineProperty({}, Symbol("s"), { value: 1 })'],
    ['__proto__ for a name', 'JSON.parse(\'{"a":{"__proto__":1}}\')'],
    ['a wide __proto__', 'Object.fromEntries([["中__proto__".slice(1), 1]])'],
    ['a getter', '({ get a() { throw new Error("ran") } })'],
    ['no prototype', 'Object.assign(Object.create(null), { a: 1 })'],
    ['an instance', 'new (class Thing { a = 1 })()'],
    ['an inheriting object', 'Object.create({ a: 1 })'],
    ['arrays', '[[], [1], [[2]], [1, 2, 3]]'],
    ['holes', '[[1, , 3], new Array(3)]'],
    ['an array cut short', '(() => { const a = [1, 2, 3]; a.length = 1; return a })()'],
    ['an array made longer', '(() => { const a = [1]; a.length = 3; return a })()'],
    ['a frozen array', 'Object.freeze([1, { a: 1 }])'],
    ['an array with a getter', 'Object.defineProperty([1, 2], 0, { get() { throw 1 } })'],
    ['an array with more', 'Object.assign([1, 2], { more: 3 })'],
    ['an array of a class', 'new (class List extends Array {})(1, 2)'],
    [
      'a grown array',
      '(() => { const a = []; for (let i = 0; i < 1000; i++) a.push(i); return a })()',
    ],
    ['a shifted array', '(() => { const a = [1, 2, 3]; a.shift(); a.unshift(0); return a })()'],
    ['dates', '[new Date(0), new Date(-1), new Date(1e13), new Date(2 ** 40)]'],
    ['an invalid date', '[new Date(NaN)]'],
    ['a date in disguise', 'Object.setPrototypeOf(new Date(5), Object.prototype)'],
    ['bytes', '[new Uint8Array([1, 2, 3])]'],
    ['other objects', '[new Map()]'],
    ['a boxed number', '[new Number(1)]'],
    ['a function', '({ f() {} })'],
    ['a big integer', '[10n]'],
    ['a big big integer', '[10n ** 40n]'],
    ['a symbol', '[Symbol("s")]'],
    ['an error', 'new Error("e")'],
    ['arguments', '(function () { return arguments })(1, 2)'],
    ['Math', 'Math'],
    ['the global object', 'globalThis'],
    ['a regular expression', '/x/'],
    ['a proxy of an object', 'new Proxy({ a: 1 }, {})'],
    ['a proxy of an array', '[new Proxy([1, 2], {})]'],
    ['a promise', 'Promise.resolve({ a: 1 })'],
    ['a thenable', '({ then(done) { done({ a: 1 }) } })'],
    ['a cycle', '(() => { const a = { b: {} }; a.b.c = a; return a })()'],
    ['something shared', '(() => { const a = { b: 1 }; return [a, a, { a }] })()'],
    ['99 levels', '(() => { let a = 1; for (let i = 0; i < 99; i++) a = [a]; return a })()'],
    ['100 levels', '(() => { let a = 1; for (let i = 0; i < 100; i++) a = [a]; return a })()'],
    ['101 levels', '(() => { let a = 1; for (let i = 0; i < 101; i++) a = { a }; return a })()'],
  ])('%s', (_, expression) => {
    expectSame(`const f = () => (${expression})`);
    expectSame(`const f = () => ({ nested: [${expression}] })`);
    expectSame(`function f() { try { db.put(${expression}) } catch (e) { return e.message } }`);
  });

  test('whatever its size is, up to the limit and past it', () => {
    const shared =
      'function f() { let a = [1]; for (let i = 0; i < 40; i++) a = [a, a]; return a }';
    const limits = { outputBytes: 1_000 };
    expectSame(shared, { limits });
    for (let length = 980; length < 1_005; length++) {
      expectSame('const f = (n) => ["x".repeat(n)]', { args: [length], limits });
      expectSame('const f = (n) => ({ ["x".repeat(n)]: 1 })', { args: [length], limits });
      expectSame('const f = (n) => Array(n >> 1).fill(1)', { args: [length], limits });
    }
  });

  test('also where the guest taught its prototypes to be thenable', () => {
    const code = 'Object.prototype.then = function (done) { done(7) }; const f = () => ({ a: 1 })';
    expect(expectSame(code).outcome).toEqual({ kind: 'value', text: '7' });
  });

  test('also among seeded random values', () => {
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.string({ unit: 'binary' }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.constantFrom(true, false, null, new Date(12345)),
        fc.array(tie('value'), { maxLength: 6 }),
        fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 6 }),
      ),
    })).value;
    const property = fc.property(values, (value) => {
      fc.pre(!JSON.stringify(value).includes('__proto__'));
      const { outcome } = expectSame('const f = (v) => v', { args: [value as Value] });
      expect(outcome.kind).toBe('value');
    });
    fc.assert(property, { seed: 7, numRuns: 300 });
  });
});
