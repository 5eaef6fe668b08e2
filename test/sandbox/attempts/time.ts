import type { Attempt } from './attempt.js';

const manyVariables = `var ${Array.from({ length: 70_000 }, (_, n) => `v_${n}`).join()}`;

/** Each goes on for far longer than its deadline, unless it is stopped. */
const endless = [
  ['an endless loop', 'function f() { for (;;); }'],
  ['an endless loop at the top level', 'for (;;); function f() {}'],
  ['a loop in a static block', 'class A { static { for (;;); } } function f() {}'],
  ['a loop in a getter of a default parameter', 'const f = (a = (() => { for (;;); })()) => a'],
  ['a loop that catches its end', 'function f() { for (;;) try { for (;;); } catch {} }'],
  ['a loop in finally', 'function f() { try { for (;;); } finally { for (;;); } }'],
  ['a loop that returns instead', 'function f() { try { for (;;); } catch { return "saved" } }'],
  ['a label that goes on and on', 'function f() { a: for (;;) for (;;) continue a }'],
  [
    'a generator that never ends',
    'function* g() { for (;;) yield 1 } const f = () => [...g()].length',
  ],
  [
    'an iterator that never ends',
    'const f = () => Array.from({ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) }).length',
  ],
  [
    'a map that grows while it is walked',
    'function f() { const m = new Map([[0, 0]]); for (const [k] of m) { m.delete(k); m.set(k + 1, 0) } }',
  ],
  [
    'a set that grows in forEach',
    'function f() { const s = new Set([0]); s.forEach((v) => { s.delete(v); s.add(v + 1) }) }',
  ],
  ['promise jobs without end', 'async function f() { for (;;) await 0 }'],
  [
    'promise jobs that make more',
    'function f() { const g = () => Promise.resolve().then(g); return g() }',
  ],
  [
    'an async generator without end',
    'async function* g() { for (;;) yield 1 } async function f() { for await (const x of g()); }',
  ],
  [
    'an async function that swallows its end',
    'async function g() { for (;;); } async function f() { try { await g() } catch {} for (;;); }',
  ],
  ['a thenable that never settles busily', 'const f = () => ({ then() { for (;;); } })'],
  [
    'a thenable that resolves to itself again',
    'function f() { const t = { then(done) { done({ then: t.then }) } }; return t }',
  ],
  ['a catastrophic expression', 'const f = () => /^(a+)+$/.test("a".repeat(40) + "b")'],
  ['two nested repeats', 'const f = () => /(x+x+)+y/.test("x".repeat(50))'],
  [
    'a repeat with a back reference',
    'const f = () => /^(a|aa|a?)+\\1$/.test("a".repeat(60) + "b")',
  ],
  ['a repeat in a look-ahead', 'const f = () => /^(?=(a+)+$)b/.test("a".repeat(40) + "c")'],
  [
    'counted repeats of counted repeats',
    'const f = () => new RegExp("(?:a{1,1000}){1,1000}b").test("a".repeat(1e5))',
  ],
  [
    'a Unicode expression compiled again and again',
    'const f = () => { for (;;) new RegExp("[^\\\\p{L}]", "iu").test("a") }',
  ],
  ['a sort of a huge sparse array', 'const f = () => { const a = []; a.length = 4e9; a.sort() }'],
  [
    'indexOf over a huge length',
    'const f = () => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
  ],
  [
    'includes over a huge length',
    'const f = () => { const a = []; a.length = 4e9; return a.includes(1) }',
  ],
  [
    'reverse of a huge length',
    'const f = () => Array.prototype.reverse.call({ length: 2 ** 53 - 1 })',
  ],
  [
    'splice of a huge length',
    'const f = () => Array.prototype.splice.call({ length: 2 ** 53 - 1 }, 0, 1)',
  ],
  ['join of a huge length', 'const f = () => { const a = []; a.length = 4e9; return a.join("") }'],
  ['map over holes', 'function f() { const a = []; a[4e9 - 2] = 1; return a.map((x) => x) }'],
  [
    'copyWithin of a huge length',
    'const f = () => Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 1, 0)',
  ],
  [
    'lastIndexOf of a huge length',
    'const f = () => Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)',
  ],
  ['a quadratic indexOf', 'const f = () => "a".repeat(4e6).indexOf("a".repeat(2e6) + "b")'],
  [
    'a quadratic replaceAll',
    'const f = () => "a".repeat(4e5).replaceAll("a".repeat(2e5) + "b", "")',
  ],
  ['a quadratic split', 'const f = () => "a".repeat(4e6).split("a".repeat(2e6) + "b")'],
  ['70,000 variables', `const f = () => new Function(${JSON.stringify(manyVariables)})()`],
  ['70,000 variables in eval', `const f = () => (0, eval)(${JSON.stringify(manyVariables)})`],
  [
    'a result that is a tree of shared branches',
    'function f() { let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; return JSON.stringify(a) }',
  ],
  [
    'a text of an object of shared branches',
    'function f() { let a = {}; for (let i = 0; i < 60; i++) a = { a, b: a }; return JSON.stringify({ a, b: [a] }) }',
  ],
  [
    'recursion that reads its error’s stack',
    'function f() { try { f() } catch (e) { e.stack; f() } }',
  ],
  [
    'recursion through Error.prepareStackTrace',
    'function f() { Error.prepareStackTrace = () => { try { null.x } catch (e) { return e.stack } }; for (;;) try { null.x } catch (e) { e.stack } }',
  ],
  ['recursion that catches its overflow', 'function f() { for (;;) try { f() } catch {} }'],
  [
    'recursion that doubles in catch and finally',
    'function f() { try { f() } catch { f() } finally { f() } }',
  ],
  [
    'recursion that doubles, not deep',
    'const g = (n) => n && g(n - 1) + g(n - 1); const f = () => g(60)',
  ],
  ['a power of big integers', 'const f = () => (7n ** 100000n) ** 1000n'],
  [
    'squares of big integers',
    'const f = () => { let a = 3n; for (;;) a = (a * a) % (1n << 60000n) }',
  ],
  [
    'copies inside of 30 MB',
    'const f = () => { const a = new Uint8Array(3e7); for (;;) a.copyWithin(1, 0) }',
  ],
  ['fills of 30 MB', 'const f = () => { const a = new Uint8Array(3e7); for (;;) a.fill(1) }'],
  ['slices of 15 MB', 'const f = () => { const a = new Uint8Array(1.5e7); for (;;) a.slice() }'],
  [
    'unshift of a long array',
    'const f = () => { const a = new Array(1e6).fill(0); for (;;) { a.unshift(1); a.shift() } }',
  ],
  [
    'sorts by a comparator that lies',
    'const f = () => { const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => 1) }',
  ],
  [
    'sorts of a float array',
    'const f = () => { const a = new Float64Array(3e6); for (;;) a.sort() }',
  ],
  [
    'normalizations of long texts',
    'const f = () => { const s = "\\u0344".repeat(1e6); for (;;) s.normalize("NFKD") }',
  ],
  [
    'JSON texts parsed over and over',
    'const f = () => { const s = "[" + "1,".repeat(1e6) + "1]"; for (;;) JSON.parse(s) }',
  ],
  [
    'a chain of 100,000 prototypes',
    'function f() { let o = {}; for (let i = 0; i < 1e5; i++) o = Object.create(o); for (;;) o.x }',
  ],
  [
    'keys of a huge object',
    'function f() { const o = {}; for (let i = 0; i < 2e5; i++) o["k" + i] = i; for (;;) Object.keys(o) }',
  ],
  [
    'numbers written in base 2',
    'const f = () => { for (;;) (1e300).toString(2), (0.1).toFixed(100) }',
  ],
  [
    'dates parsed from long texts',
    'const f = () => { const s = "1".repeat(1e7); for (;;) Date.parse(s) }',
  ],
  [
    'texts split into letters',
    'const f = () => { const s = "a".repeat(1e6); for (;;) s.split("") }',
  ],
  [
    'a proxy as prototype that recurses',
    'function f() { const o = {}; for (;;) try { Object.setPrototypeOf(o, new Proxy(o, {})); o.x } catch {} }',
  ],
  ['a result whose traps loop', 'const f = () => new Proxy({}, { ownKeys() { for (;;); } })'],
  [
    'a throw whose traps loop',
    'function f() { throw new Proxy({}, { getPrototypeOf() { for (;;); } }) }',
  ],
  [
    'a log whose traps loop',
    'function f() { console.log(new Proxy({}, { ownKeys() { for (;;); } })) }',
  ],
  [
    'a host call whose traps loop',
    'function f() { db.get(new Proxy({}, { ownKeys() { for (;;); } })) }',
  ],
  [
    'waiting for the clock',
    'function f() { const from = Date.now(); while (Date.now() < from + 1e9); }',
  ],
  ['logging for ever', 'function f() { for (;;) console.log("x".repeat(1e4)) }'],
] as const;

export const TIMES: readonly Attempt[] = endless.map(([tried, code]) => ({
  tried,
  code,
  host: { 'db.get': () => 1 },
  limits: { timeoutMs: 40 },
  fails: 'GUEST_TIMEOUT',
}));
