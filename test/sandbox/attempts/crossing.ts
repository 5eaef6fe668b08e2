// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the guests’ own text
import type { Attempt } from './attempt.js';
import { trying } from './attempt.js';

const refused = (tried: string, expression: string, says: RegExp): Attempt => ({
  tried: `to hand out ${tried}`,
  code: `function f() { return ${expression} }`,
  fails: 'GUEST_OUTPUT',
  says,
});

/** From the guest outward, as a result. */
const outward: readonly Attempt[] = [
  refused('a __proto__ key', 'JSON.parse(\'{"__proto__":{"polluted":1}}\')', /__proto__/),
  refused('a __proto__ key that was computed', '({ ["__proto__"]: { polluted: 1 } })', /__proto__/),
  refused(
    'a __proto__ key deep in an array',
    '[{ a: [JSON.parse(\'{"__proto__":1}\')] }]',
    /__proto__/,
  ),
  refused('a getter', '({ get a() { return 1 } })', /accessor/),
  refused('a setter', '({ set a(v) {} })', /accessor/),
  refused(
    'a getter on an array',
    'Object.defineProperty([1], 0, { get: () => 1, enumerable: true })',
    /accessor/,
  ),
  refused('a symbol', 'Symbol.iterator', /symbol/),
  refused('a symbol key', '({ [Symbol.toStringTag]: 1 })', /symbol key/),
  refused('a registered symbol key', '({ [Symbol.for("x")]: 1 })', /symbol key/),
  refused('a function', '() => 1', /function/),
  refused('a class', 'class A {}', /function/),
  refused(
    'an instance with a forged constructor',
    'Object.create({ constructor: { name: "Object" } })',
    /instance/,
  ),
  refused('a boxed string', 'new String("x")', /instance/),
  refused('a boxed number', 'new Number(1)', /instance/),
  refused('an error', 'new Error("x")', /instance of Error/),
  refused('a promise inside of data', '({ a: Promise.resolve(1) })', /instance of Promise/),
  refused('a map', 'new Map([[1, 2]])', /instance of Map/),
  refused('a set', 'new Set([1])', /instance of Set/),
  refused('a weak map', 'new WeakMap()', /instance/),
  refused('an array buffer', 'new ArrayBuffer(8)', /instance/),
  refused('a data view', 'new DataView(new ArrayBuffer(8))', /instance/),
  refused('a float array', 'new Float64Array(2)', /instance|data/),
  refused('a generator', '(function* () {})()', /instance|data/),
  refused('globalThis', '({ g: globalThis })', /./),
  refused('NaN', 'NaN', /finite/),
  refused('Infinity', '-Infinity', /finite/),
  refused('a bigint', '10n ** 20n', /bigint/),
  refused('an invalid date', 'new Date(NaN)', /date/),
  refused('a lone surrogate', '"a\\ud800b"', /surrogate/),
  refused('a lone surrogate as a key', '({ "\\udc00": 1 })', /surrogate/),
  refused('a cycle', '(() => { const a = []; a.push(a); return a })()', /cycle/),
  refused(
    'a cycle through objects',
    '(() => { const a = {}; a.b = { c: [a] }; return a })()',
    /cycle/,
  ),
  refused(
    '200 levels',
    '(() => { let a = 1; for (let i = 0; i < 200; i++) a = { a }; return a })()',
    /levels/,
  ),
  refused('a key that is too long', '({ ["k".repeat(5000)]: 1 })', /./),
  trying(
    'a date with an own getTime',
    'Object.assign(new Date(5), { getTime: () => 9 })',
    new Date(5),
  ),
  trying(
    'a date whose prototype lies',
    '(() => { Date.prototype.getTime = Date.prototype.valueOf = () => 9; return new Date(5) })()',
    new Date(5),
  ),
  trying(
    'bytes whose length lies',
    '(() => { const b = new Uint8Array(2); Object.defineProperty(b, "length", { value: 1e9 }); return b })()',
    Uint8Array.of(0, 0),
  ),
  trying('an object with a toJSON of its own', '({ a: 1, toJSON: "text" })', {
    a: 1,
    toJSON: 'text',
  }),
  trying('a null prototype', 'Object.assign(Object.create(null), { a: 1 })', { a: 1 }),
  trying(
    'names of Object.prototype as keys',
    '({ constructor: 1, hasOwnProperty: 2, valueOf: 3, toString: "s" })',
    {
      constructor: 1,
      hasOwnProperty: 2,
      valueOf: 3,
      toString: 's',
    },
  ),
  trying('a hidden property', 'Object.defineProperty({ a: 1 }, "b", { value: 2 })', { a: 1 }),
  trying('an array with extra keys', 'Object.assign([1], { extra: 2 })', [1]),
  trying('holes', '[, 1, , 2]', [null, 1, null, 2]),
  trying('numbers as keys, in another order', '({ b: 1, 2: 2, 1: 3 })', { 1: 3, 2: 2, b: 1 }),
  trying('a proxy of plain data', 'new Proxy({ a: 1 }, {})', { a: 1 }),
  {
    tried: 'to hand out more through a proxy that answers differently each time',
    code: `function f() {
      let n = 0;
      return new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () =>
        ({ value: n++, enumerable: true, configurable: true, writable: true }) });
    }`,
    gives: { a: 0 },
  },
  {
    tried: 'a proxy whose traps throw',
    code: 'const f = () => new Proxy({}, { ownKeys() { throw new Error("trap") } })',
    fails: 'GUEST_ERROR',
    says: /trap/,
  },
  {
    tried: 'a revoked proxy',
    code: 'const f = () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy }',
    fails: ['GUEST_ERROR', 'GUEST_OUTPUT'],
  },
  {
    tried: 'the mark of the wire format in a string',
    code: 'const f = () => ["\\u0001d5", "\\u0001bAAAA", "\\u0001s", "\\u0001"]',
    gives: ['\u0001d5', '\u0001bAAAA', '\u0001s', '\u0001'],
  },
  {
    tried: 'JSON of the wire format as a string',
    code: 'const f = () => \'"}],"kind":"value","text":"1"\'',
    gives: '"}],"kind":"value","text":"1"',
  },
];

/** From the guest outward, as an argument of a host call: the host must never see it. */
const seenByHost = { 'db.put': (value: unknown) => typeof value };
const intoHost: readonly Attempt[] = [
  ['a function', '() => 1'],
  ['an accessor', '{ get a() { return 1 } }'],
  ['a __proto__ key', 'JSON.parse(\'{"__proto__":1}\')'],
  ['a symbol', 'Symbol()'],
  ['a bigint', '1n'],
  ['a cycle', '(() => { const a = {}; a.a = a; return a })()'],
  ['a proxy that throws', 'new Proxy({}, { ownKeys() { throw new Error("trap") } })'],
].map(([tried, expression]) => ({
  tried: `to call the host with ${tried}`,
  code: `function f() { try { return db.put(${expression}) } catch (e) { return 'refused' } }`,
  host: seenByHost,
  gives: 'refused',
}));

/** From the host inward. */
const inward: readonly Attempt[] = [
  {
    tried: 'to change an argument that the caller still holds',
    code: 'function f(a) { a.list.push(2); a.more = 1; delete a.n; return Object.keys(a) }',
    args: [Object.freeze({ list: Object.freeze([1]), n: 1 }) as never],
    gives: ['list', 'more'],
  },
  {
    tried: 'to find the caller’s prototypes on an argument',
    code: 'const f = (a, d, b) => [Object.getPrototypeOf(a) === Object.prototype, d instanceof Date, b instanceof Uint8Array]',
    args: [{}, new Date(0), Uint8Array.of(1)],
    gives: [true, true, true],
  },
  {
    tried: 'to see more of a byte array than its part',
    code: 'const f = (bytes) => [bytes.length, bytes.byteOffset, bytes.buffer.byteLength]',
    args: [new Uint8Array(new ArrayBuffer(64), 8, 4)],
    gives: [4, 0, 4],
  },
  {
    tried: 'to break out of the JSON of its arguments',
    code: 'const f = (text) => text',
    args: ['"]); globalThis.x = 1; ([" \u2028 \u2029 </script> ${x} `'],
    gives: '"]); globalThis.x = 1; ([" \u2028 \u2029 </script> ${x} `',
  },
  {
    tried: 'to read a host error’s stack, cause and details',
    code: 'function f() { try { db.get("x") } catch (e) { return [Object.keys(e), "cause" in e, /node:|file:|\\.ts|\\.js/.test(e.stack)] } }',
    host: {
      'db.get': () => {
        throw Object.assign(new Error('no'), { details: { secret: 1 }, cause: new Error('inner') });
      },
    },
    gives: [[], false, false],
  },
  {
    tried: 'to get at an exotic throw of the host',
    code: 'function f() { try { db.get("x") } catch (e) { return [typeof e, e instanceof Error, typeof e.message] } }',
    host: {
      'db.get': () => {
        throw Symbol('exotic');
      },
    },
    gives: ['object', true, 'string'],
  },
  {
    tried: 'to be handed a function by a host that errs',
    code: 'function f() { try { return typeof db.get("x") } catch (e) { return e.code } }',
    host: { 'db.get': () => () => 1 },
    gives: 'INVALID_DOCUMENT',
  },
  {
    tried: 'to be handed an accessor by a host that errs',
    code: 'function f() { try { return db.get("x") } catch (e) { return e.code } }',
    host: {
      'db.get': () => Object.defineProperty({}, '__proto__', { value: 1, enumerable: true }),
    },
    gives: 'INVALID_DOCUMENT',
  },
];

export const CROSSINGS: readonly Attempt[] = [...outward, ...intoHost, ...inward];
