import { type Attempt, trying } from './attempt.js';

/** Everything in which a host could show through; `now` of these calls is 2024-01-15T10:00Z. */
export const DETERMINISMS: readonly Attempt[] = [
  trying('the host’s time', 'new Date().toISOString().slice(0, 16)', '2024-01-15T10:00'),
  trying('the host’s time through Date()', 'Date().slice(0, 21)', 'Mon Jan 15 2024 10:00'),
  trying('the host’s time zone', 'new Date(0).getTimezoneOffset()', 0),
  trying('the host’s time zone in summer', 'new Date(2024, 6, 1).getTimezoneOffset()', 0),
  trying(
    'the host’s time zone in local hours',
    'new Date(0).getHours() + ":" + new Date(0).getMinutes()',
    '0:0',
  ),
  trying(
    'the host’s time zone in a string',
    'new Date(0).toString()',
    'Thu Jan 01 1970 00:00:00 GMT+0000',
  ),
  trying('the host’s time zone in parsing', 'Date.parse("2024-07-01T00:00")', Date.UTC(2024, 6, 1)),
  trying('the host’s locale in dates', 'new Date(0).toLocaleDateString()', '01/01/1970'),
  trying('the host’s locale in times', 'new Date(0).toLocaleTimeString("de-DE")', '12:00:00 AM'),
  trying('the host’s locale in numbers', '(1234.5).toLocaleString("de-DE")', '1234.5'),
  trying('the host’s locale in upper case', '"i".toLocaleUpperCase("tr")', 'I'),
  trying(
    'the host’s collation',
    '["ä", "z", "a"].sort((a, b) => a.localeCompare(b, "sv")).join("")',
    'azä',
  ),
  trying('Intl', 'typeof Intl', 'undefined'),
  trying(
    'a timer of high resolution',
    'typeof performance === "undefined" || typeof performance.now === "undefined" || performance.now() < 1e7',
    true,
  ),
  trying(
    'how long a loop took',
    '(() => { const from = Date.now(); for (let i = 0; i < 1e6; i++); return Date.now() - from })()',
    0,
  ),
  trying(
    'two readings apart by real time',
    '(() => { const a = new Date(); for (let i = 0; i < 1e6; i++); return new Date() - a < 1 })()',
    true,
  ),
  trying('a random seed of the host', 'Math.random() === args[0]', false, { args: [0.5] }),
  trying('the order of keys', 'Object.keys({ b: 1, a: 2, 1: 3, 0: 4 }).join()', '0,1,b,a'),
  trying(
    'an address in a hash of objects',
    '(() => { const m = new Map(); for (let i = 0; i < 9; i++) m.set({ i }, i); return [...m.values()].join("") })()',
    '012345678',
  ),
  trying(
    'when garbage is collected',
    '(() => { const w = new WeakRef({}); for (let i = 0; i < 1e5; i++) ({ i }); return typeof w.deref() })()',
    'undefined',
  ),
  trying('the number of processors', 'typeof navigator === "undefined"', true),
  trying(
    'a sort that is not stable',
    '[3, 1, 2, 1].map((v, i) => ({ v, i })).sort((a, b) => a.v - b.v).map(({ i }) => i).join("")',
    '1320',
  ),
];

/** Programs that use all that a run records; two runs of one must agree to the byte. */
export const REPLAYED = [
  'const f = () => [Date.now(), new Date().toISOString(), Math.random(), Math.random()]',
  `function f() { const out = []; for (let i = 0; i < 200; i++) out.push(Math.random(), Date.now()); return out }`,
  `async function f(n) { const out = []; for (let i = 0; i < n; i++) { await 0; out.push(await db.get(String(i))) } return out.concat(Math.random()) }`,
  `function f() { const m = new Map(), s = new Set(); for (let i = 0; i < 999; i++) { m.set({}, Math.random()); s.add(Symbol()) } return [...m.values()].slice(-9) }`,
  `function f() { try { f() } catch (e) { return [e.message, e.stack] } }`,
  `function f() { let n = 0; const g = () => { n++; g() }; try { g() } catch {} return n }`,
  `function f() { const a = []; try { for (;;) a.push(new Uint8Array(2 ** 20)) } catch (e) { return [a.length, e.message] } }`,
  `function f() { throw Object.assign(new Error(String(Math.random())), { code: 'X' + Date.now() }) }`,
] as const;
