/** Pairs: what one call leaves, and what the next finds, in the same document. */
export interface Leftover {
  readonly tried: string;
  /** Runs first … */
  readonly leaves: string;
  /** … and this expression, in the next call, must give `finds`. */
  readonly look: string;
  readonly finds: unknown;
}

export const LEFTOVERS: readonly Leftover[] = [
  ['a global', 'globalThis.left = 1', 'typeof left', 'undefined'],
  ['a sloppy global', '(0, eval)("var leftVar = 1")', 'typeof leftVar', 'undefined'],
  ['a module variable', 'counter++', 'counter', 0],
  ['a closure’s variable', 'bump()', 'peek()', 0],
  ['a property of Object.prototype', 'Object.prototype.left = 1', '({}).left ?? null', null],
  [
    'a method of Array.prototype',
    'Array.prototype.map = () => 1',
    'typeof [].map(() => 2)',
    'object',
  ],
  ['a deleted built-in', 'delete globalThis.JSON', 'typeof JSON', 'object'],
  [
    'a frozen prototype',
    'Object.freeze(Array.prototype)',
    'Object.isFrozen(Array.prototype)',
    false,
  ],
  ['a property of a function', 'f.left = 1', 'f.left ?? null', null],
  [
    'a property of a host function’s owner',
    'try { db.left = 1 } catch {}',
    'db.left ?? null',
    null,
  ],
  [
    'a registered symbol’s description',
    'Symbol.for("left")',
    'Object.getOwnPropertySymbols(globalThis).filter((s) => s.description === "left").length',
    0,
  ],
  [
    'a pending job',
    'Promise.resolve().then(() => { globalThis.late = 1 })',
    'typeof late',
    'undefined',
  ],
  [
    'a chain of pending jobs',
    '(async () => { for (let i = 0; i < 50; i++) await 0; globalThis.late = 1 })()',
    'typeof late',
    'undefined',
  ],
  [
    'a suspended generator',
    'const made = (function* () { yield; globalThis.late = 1 })(); made.next(); globalThis.made = made',
    'typeof made',
    'undefined',
  ],
  ['the last match of an expression', '/(a)(b)/.exec("ab")', 'RegExp.$1 ?? ""', ''],
  ['lastIndex of a literal', 'expression().test("aa")', 'expression().lastIndex', 0],
  ['a shared literal’s lastIndex', 'shared.test("aa")', 'shared.lastIndex', 0],
  [
    'the count of drawn random numbers',
    'Math.random(); Math.random()',
    'Math.random() === first',
    true,
  ],
  ['a replaced Math.random', 'Math.random = () => 4', 'Math.random() < 1', true],
  ['a replaced Date', 'globalThis.Date = class {}', 'new Date(5).getTime()', 5],
  ['a replaced console', 'globalThis.console = null', 'typeof console.log', 'function'],
  [
    'Error.prepareStackTrace',
    'Error.prepareStackTrace = () => "forged"',
    'typeof Error.prepareStackTrace',
    'undefined',
  ],
  ['Error.stackTraceLimit', 'Error.stackTraceLimit = 1', 'Error.stackTraceLimit !== 1', true],
  [
    'a finalizer',
    'new FinalizationRegistry(() => { globalThis.late = 1 }).register({}, 1)',
    'typeof late',
    'undefined',
  ],
  [
    'a filled heap',
    'globalThis.left = new Uint8Array(1e7).fill(7)',
    'new Uint8Array(1e6).every((b) => b === 0)',
    true,
  ],
  ['a template object', 'tag`x`.left = 1', 'tag`x`.left ?? null', null],
  ['an exception under way', 'throw new Error("left")', '1', 1],
  [
    'a stop in the middle of a sort',
    'const a = []; a.length = 4e9; a.sort()',
    '[3, 1, 2].sort().join()',
    '1,2,3',
  ],
  ['a stop in the middle of an endless loop', 'for (;;);', '1 + 1', 2],
].map(([tried, leaves, look, finds]) => ({ tried, leaves, look, finds }) as Leftover);

/** One document whose input says whether it leaves something or looks. */
export const documentFor = ({ leaves, look }: Leftover): string => `
  let counter = 0;
  const { bump, peek } = (() => { let n = 0; return { bump: () => ++n, peek: () => n } })();
  const shared = /a/g;
  const expression = () => /a/g;
  const tag = (strings) => { const kept = cache.get(strings) ?? {}; cache.set(strings, kept); return kept };
  const cache = new WeakMap();
  function f(isFirst, first) {
    if (!isFirst) return ${look};
    { ${leaves} }
  }`;
