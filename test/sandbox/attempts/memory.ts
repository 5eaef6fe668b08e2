// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the guests’ own text
import type { ErrorCode } from '#jdbx/base/errors.js';
import type { Attempt } from './attempt.js';

const limits = { timeoutMs: 4_000, memoryBytes: 32 * 2 ** 20 };
const GONE: readonly ErrorCode[] = ['GUEST_MEMORY', 'GUEST_TIMEOUT', 'GUEST_ERROR'];

const greedy = [
  ['arrays of objects', 'function f() { const a = []; for (;;) a.push({ a: 1 }) }'],
  ['array buffers', 'function f() { const a = []; for (;;) a.push(new ArrayBuffer(1e6)) }'],
  [
    'buffers that are filled',
    'function f() { const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1)) }',
  ],
  ['texts that double', 'function f() { let s = "x"; for (;;) s += s }'],
  [
    'texts that double and are looked at',
    'function f() { let s = "x"; for (;;) { s += s; s.charCodeAt(3) } }',
  ],
  ['long texts', 'function f() { const a = []; for (;;) a.push("x".repeat(1e6) + a.length) }'],
  ['a filled array', 'const f = () => new Array(1e8).fill(0).length'],
  [
    'closures',
    'function f() { const a = []; for (;;) { const big = new Array(1000).fill(a.length); a.push(() => big) } }',
  ],
  ['a map', 'function f() { const m = new Map(); for (let i = 0; ; i++) m.set(i, { i }) }'],
  ['symbols', 'function f() { const a = []; for (let i = 0; ; i++) a.push(Symbol.for("s" + i)) }'],
  ['property names', 'function f() { const o = {}; for (let i = 0; ; i++) o["name" + i] = 1 }'],
  [
    'pending promises',
    'function f() { const a = []; for (;;) a.push(new Promise(() => {}).then(() => 1)) }',
  ],
  ['pending jobs', 'async function f() { for (;;) Promise.resolve().then(() => 1) }'],
  [
    'suspended generators',
    'function f() { const a = []; function* g() { yield a } for (;;) { const i = g(); i.next(); a.push(i) } }',
  ],
  ['a big integer', 'function f() { const a = []; for (let i = 1n; ; i++) a.push(1n << 100000n) }'],
  [
    'compiled functions',
    'function f() { const a = []; for (let i = 0; ; i++) a.push(new Function("return " + i)) }',
  ],
  [
    'compiled expressions',
    'function f() { const a = []; for (let i = 0; ; i++) a.push(new RegExp("a{1,200}" + i)) }',
  ],
  [
    'a thrown giant',
    'function f() { const a = []; try { for (;;) a.push(new Uint8Array(1e5)) } catch (e) { throw a } }',
  ],
  [
    'catching what happens and taking more',
    'function f() { const a = []; for (;;) try { for (;;) a.push(new Uint8Array(1e5)) } catch {} }',
  ],
] as const;

const deep = [
  ['plain recursion', 'function f() { return f() + 1 }'],
  ['recursion through map', 'const f = () => [1].map(f)'],
  [
    'recursion through toString',
    'const o = { toString() { return "" + o } }; const f = () => "" + o',
  ],
  ['recursion through a getter', 'const o = { get a() { return o.a } }; const f = () => o.a'],
  [
    'recursion through a proxy',
    'const p = new Proxy({}, { get: (_, k) => p[k] }); const f = () => p.x',
  ],
  [
    'recursion through a proxy of proxies',
    'function f() { let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.x }',
  ],
  [
    'recursion through bound functions',
    'function f() { let g = () => 1; for (let i = 0; i < 1e5; i++) g = g.bind(null); return g() }',
  ],
  ['recursion through sort', 'const f = () => [2, 1].sort(f)'],
  ['recursion through replace', 'const f = () => "a".replace("a", f)'],
  ['recursion through JSON.parse', 'const f = () => JSON.parse("[1]", f)'],
  [
    'recursion through toJSON',
    'const o = { toJSON: () => JSON.stringify(o) }; const f = () => JSON.stringify(o)',
  ],
  ['recursion through a class', 'class A { constructor() { new A() } } const f = () => new A()'],
  [
    'recursion through instanceof',
    'class A { static [Symbol.hasInstance](x) { return x instanceof A } } const f = () => 1 instanceof A',
  ],
  ['recursion through eval', 'function f() { return eval("f()") }'],
  ['recursion through generators', 'function* g() { yield* g() } const f = () => [...g()]'],
  [
    'recursion through spread',
    'const o = { *[Symbol.iterator]() { yield* [...o] } }; const f = () => [...o]',
  ],
  ['a nested JSON text', 'const f = () => JSON.parse("[".repeat(1e6))'],
  ['a nested expression', 'const f = () => new RegExp("(?:".repeat(1e5) + ")".repeat(1e5))'],
  [
    'a nested source',
    'const f = () => new Function("return " + "(".repeat(1e5) + "1" + ")".repeat(1e5))',
  ],
  ['a nested array source', 'const f = () => (0, eval)("[".repeat(1e5) + "]".repeat(1e5))'],
  ['a nested template', 'const f = () => (0, eval)("`${".repeat(2e4) + "1" + "}`".repeat(2e4))'],
  [
    'a nested text of ropes',
    'function f() { let s = "a"; for (let i = 0; i < 1e5; i++) s = (i % 2) ? s + "xxxxxxxxx".repeat(99) : "yyyyyyy".repeat(99) + s; return s.length }',
  ],
  [
    'a flat of nested arrays',
    'function f() { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a.flat(Infinity).length }',
  ],
] as const;

/** Lengths at which eight bytes an element wrap around 32 bits, and lengths that change when looked at again. */
const LENGTHS = [
  '2 ** 29',
  '2 ** 29 + 1',
  '2 ** 29 + 64',
  '2 ** 30 + 1',
  '2 ** 31 - 1',
  '2 ** 32 - 1',
];
const changing =
  '(() => { let looks = 0; return { 0: "a", 1: "b", get length() { return looks++ ? 2 ** 29 + 1 : 2 } } })()';
const USES: Readonly<Record<string, (list: string) => string>> = {
  ownKeys: (list) => `Reflect.ownKeys(new Proxy({}, { ownKeys: () => ${list} }))`,
  'ownKeys of a revocable one': (list) =>
    `Object.keys(Proxy.revocable({}, Object.freeze({ ownKeys: () => ${list} })).proxy)`,
  'ownKeys by Reflect.construct': (list) =>
    `Object.entries(Reflect.construct(Proxy, [{}, { get ownKeys() { return () => ${list} } }]))`,
  'ownKeys that gives a function': (list) =>
    `Reflect.ownKeys(new Proxy({}, { ownKeys: () => Object.defineProperty(() => 1, 'length', { get: () => ${list}.length }) }))`,
  toReversed: (list) => `[].toReversed.call(${list})`,
  toSorted: (list) => `[].toSorted.call(${list})`,
  with: (list) => `[].with.call(${list}, 0, 1)`,
  toSpliced: (list) => `[].toSpliced.call(${list}, 0, 1)`,
};
/** The engine would write past a block that is too small (`guest/bounded-lengths.ts`). */
const WRAPPING: readonly Attempt[] = Object.entries(USES).flatMap(([use, of]) => [
  ...LENGTHS.map((length) => ({
    tried: `to wrap a length in ${use}: ${length}`,
    code: `const f = () => { ${of(`({ 0: 'a', 1: 'b', length: ${length} })`)} }`,
    fails: 'GUEST_ERROR' as const,
    says: /invalid array length/,
  })),
  {
    tried: `to change a length under the eyes of ${use}`,
    code: `const f = () => { try { return ${of(changing)}.length < 3 } catch (e) { return e instanceof TypeError } }`,
    gives: true,
  },
]);

/** Each ends with a code, or does what it may; never with the engine. */
export const MEMORIES: readonly Attempt[] = [
  ...greedy.map(([tried, code]): Attempt => ({ tried, code, limits, fails: GONE })),
  ...deep.map(
    ([tried, code]): Attempt => ({
      tried,
      code,
      limits,
      fails: ['GUEST_STACK', 'GUEST_ERROR', 'GUEST_MEMORY', 'GUEST_TIMEOUT'],
    }),
  ),
  {
    tried: 'freeing a long chain',
    code: 'function f() { let a = null; for (let i = 0; i < 1e5; i++) a = { a }; a = null; return a }',
    gives: null,
  },
  ...WRAPPING,
  {
    tried: 'one huge buffer',
    code: 'const f = () => new Uint8Array(1e9).length',
    limits,
    fails: ['GUEST_MEMORY', 'GUEST_ERROR'],
  },
  {
    tried: 'one huge text',
    code: 'const f = () => "x".repeat(2 ** 30)',
    limits,
    fails: ['GUEST_MEMORY', 'GUEST_ERROR'],
  },
  {
    tried: 'a long padded text',
    code: 'const f = () => "x".padEnd(2 ** 29, "ab")',
    limits,
    fails: ['GUEST_MEMORY', 'GUEST_ERROR'],
  },
  {
    tried: 'an output over its limit',
    code: 'const f = () => "x".repeat(20_000)',
    limits: { outputBytes: 10_000 },
    fails: 'GUEST_OUTPUT',
  },
  {
    tried: 'an output of shared branches',
    code: 'function f() { let a = ["x"]; for (let i = 0; i < 40; i++) a = [a, a]; return a }',
    limits: { outputBytes: 100_000 },
    fails: 'GUEST_OUTPUT',
  },
  {
    tried: 'an array of four billion holes',
    code: 'const f = () => new Array(4294967295)',
    limits: { outputBytes: 10_000 },
    fails: 'GUEST_OUTPUT',
  },
  {
    tried: 'an argument of a host call over the limit',
    code: 'const f = () => db.put({ text: "x".repeat(20_000) })',
    host: { 'db.put': () => 1 },
    limits: { outputBytes: 10_000 },
    fails: 'GUEST_OUTPUT',
  },
  {
    tried: '20,000 lines of console',
    code: 'function f() { for (let i = 0; i < 2e4; i++) console.log(i); return "done" }',
    gives: 'done',
  },
  {
    tried: 'an error with a message of megabytes',
    code: 'function f() { throw new Error("x".repeat(5e6)) }',
    fails: 'GUEST_ERROR',
    says: /^.{0,2100}$/s,
  },
  {
    tried: 'an error with a code and a name of megabytes',
    code: 'function f() { const e = new Error("m"); e.code = e.name = "x".repeat(5e6); throw e }',
    fails: 'GUEST_ERROR',
    says: /^.{0,2100}$/s,
  },
  {
    tried: 'a storm of host calls',
    code: 'function f() { for (;;) try { db.get("x") } catch {} }',
    host: { 'db.get': () => 1 },
    limits: { hostCalls: 25 },
    fails: 'GUEST_HOST_CALLS',
  },
  {
    tried: 'host calls where none are allowed',
    code: 'function f() { try { return db.get("x") } catch { return "caught" } }',
    host: { 'db.get': () => 1 },
    limits: { hostCalls: 0 },
    fails: 'GUEST_HOST_CALLS',
  },
];
