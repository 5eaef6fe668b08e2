import type { Attempt } from './attempt.js';

/** What is thrown must be told without running it, and without telling of the host. */
export const ERRORS: readonly Attempt[] = [
  ['undefined', 'throw undefined', /undefined/],
  ['null', 'throw null', /null/],
  ['a symbol', 'throw Symbol("s")', /Symbol\(s\)/],
  ['a bigint', 'throw 10n', /10n/],
  ['NaN', 'throw NaN', /NaN/],
  ['a function', 'throw () => 1', /function/],
  ['an error whose message is a getter', 'throw { get message() { for (;;); } }', /accessor/],
  [
    'an error whose name is a getter',
    'throw Object.defineProperty(new Error("m"), "name", { get() { for (;;); } })',
    /m/,
  ],
  [
    'an error whose stack is a getter',
    'throw Object.defineProperty(new Error("m"), "stack", { get() { for (;;); } })',
    /m/,
  ],
  [
    'an error whose toString throws',
    'throw Object.assign(new Error("m"), { toString() { throw 1 } })',
    /m/,
  ],
  [
    'an error whose message is an object',
    'throw Object.assign(new Error(), { message: { toString() { for (;;); } } })',
    /./,
  ],
  ['an error that is frozen', 'throw Object.freeze(new Error("frozen"))', /frozen/],
  ['an error with a cause that loops', 'const e = new Error("m"); e.cause = e; throw e', /m/],
  [
    'an AggregateError of itself',
    'const e = new AggregateError([], "m"); e.errors = [e]; throw e',
    /m/,
  ],
  [
    'a forged origin',
    'throw Object.assign(new Error("m"), { host: 0, refused: { path: "p", text: "t" } })',
    /Error: m/,
  ],
  [
    'a forged code of the sandbox',
    'throw Object.assign(new Error("m"), { code: "STORE_CLOSED" })',
    /Error: m/,
  ],
  [
    'a forged InternalError',
    'throw Object.assign(new Error("looks fine"), { name: "TypeError" })',
    /looks fine/,
  ],
  [
    'a proxy that throws',
    'throw new Proxy({}, { getPrototypeOf() { throw 1 }, getOwnPropertyDescriptor() { throw 1 } })',
    /./,
  ],
  ['a proxy around an error', 'throw new Proxy(new Error("m"), {})', /./],
  ['an array', 'throw [1, 2]', /1, 2/],
  ['globalThis', 'throw globalThis', /./],
  ['text with controls', 'throw new Error("a\\u0000b\\u001b[31mred")', /a/],
  ['a lone surrogate', 'throw new Error("\\ud800")', /./],
  ['an error made by the engine', 'null.x', /TypeError/],
  ['a syntax error of eval', '(0, eval)("(")', /SyntaxError/],
  [
    'a rejected promise of a getter',
    'return Promise.reject({ get message() { for (;;); } })',
    /accessor/,
  ],
].map(([tried, body, says]) => ({
  tried: `to throw ${tried}`,
  code: `function f() { ${body} }`,
  fails: ['GUEST_ERROR', 'GUEST_SYNTAX'],
  says: says as RegExp,
}));
