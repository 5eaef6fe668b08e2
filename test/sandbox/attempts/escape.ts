import { type Attempt, trying } from './attempt.js';

/** Names of things that a host has and a guest must not. */
const HOST_NAMES = [
  'process',
  'require',
  'module',
  'exports',
  '__dirname',
  '__filename',
  'Buffer',
  'global',
  'window',
  'self',
  'document',
  'fetch',
  'XMLHttpRequest',
  'WebSocket',
  'Worker',
  'SharedArrayBuffer',
  'Atomics',
  'WebAssembly',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'MessageChannel',
  'importScripts',
  'Deno',
  'Bun',
  'std',
  'os',
  'bjson',
  'scriptArgs',
  'print',
  'load',
  'gc',
  'performance',
  'navigator',
  'Intl',
  'FinalizationRegistryHost',
];

const names = HOST_NAMES.map((name) =>
  trying(`the name ${name}`, `typeof ${name}`, 'undefined'),
).filter(({ tried }) => !/queueMicrotask|Atomics|SharedArrayBuffer|performance/.test(tried));

/** Ways to a `Function`, whose code then looks for the host. */
const LOOK = 'typeof process + typeof require + typeof Buffer';
const FOUND = 'undefinedundefinedundefined';
const roads = [
  ['constructor.constructor of an object', '({}).constructor.constructor'],
  ['the constructor of an array method', '[].map.constructor'],
  ['the constructor of console.log', 'console.log.constructor'],
  ['the constructor of Math.random, which is replaced', 'Math.random.constructor'],
  ['the constructor of a host function', 'db.get.constructor'],
  ['the constructor of the console', 'console.constructor.constructor'],
  ['the constructor of an argument', 'args[0].constructor.constructor'],
  ['the constructor of a host’s answer', 'db.get("x").constructor.constructor'],
  ['the constructor of an answer’s date', 'db.get("x").at.constructor.constructor'],
  ['the constructor of an answer’s bytes', 'db.get("x").bytes.constructor.constructor'],
  ['the constructor of a cursor', 'db.query({}).constructor.constructor'],
  ['the constructor of globalThis', 'globalThis.constructor.constructor'],
  ['Reflect.construct of Function', '(...a) => Reflect.construct(Function, a)'],
] as const;

const host = {
  'db.get': () => ({ at: new Date(0), bytes: Uint8Array.of(1) }),
  'db.query': () => [],
};

const functions = roads.map(
  ([tried, road]): Attempt =>
    trying(`${tried}`, `(${road})('return ${LOOK}')()`, FOUND, { host, args: [{ a: 1 }] }),
);

const kinds = [
  ['an async function’s', '(async () => {}).constructor', '.then((v) => v)'],
  ['a generator’s', '(function* () {}).constructor', '.next().value'],
].map(
  ([tried, road, result]): Attempt =>
    trying(`${tried} constructor`, `(${road})('return ${LOOK}')()${result}`, FOUND),
);

export const ESCAPES: readonly Attempt[] = [
  ...names,
  ...functions,
  ...kinds,
  trying('indirect eval', `(0, eval)('${LOOK}')`, FOUND),
  trying(
    '`this` of a sloppy function',
    '(function () { return typeof this.process })()',
    'undefined',
  ),
  trying('a host function as a property of its owner', 'typeof db.get.call.host', 'undefined', {
    host,
  }),
  trying(
    'own keys of a host function beyond length and name',
    'Reflect.ownKeys(db.get).filter((key) => key !== "length" && key !== "name").length',
    0,
    { host },
  ),
  trying(
    'to replace a host function',
    '(() => { try { db.get = () => "mine" } catch {} return typeof db.get("x") })()',
    'object',
    { host },
  ),
  {
    tried: 'to replace a host function in strict code',
    code: '"use strict"; function f() { db.get = 1 }',
    host,
    fails: 'GUEST_ERROR',
    says: /read-only|not extensible|read only/,
  },
  {
    tried: 'to import a module of the host at the top',
    code: 'import fs from "fs"; export default () => fs',
    fails: 'GUEST_SYNTAX',
  },
  {
    tried: 'to import a module of the host later',
    code: 'export default async () => { try { return typeof (await import("node:fs")) } catch (e) { return "refused" } }',
    fails: 'GUEST_SYNTAX',
  },
  {
    tried: 'to import through new Function',
    code: `async function f() {
      try { return typeof (await new Function('return import("std")')()) } catch { return 'refused' }
    }`,
    gives: 'refused',
  },
  {
    tried: 'to import the engine’s own os module through eval',
    code: `async function f() {
      try { return typeof (await eval('import("os")')) } catch { return 'refused' }
    }`,
    gives: 'refused',
  },
  {
    tried: 'import.meta for a path',
    code: `export default () => {
      const seen = JSON.stringify(Object.entries(import.meta ?? {}));
      return /node_modules|\\/src\\/|\\/dist\\//.test(seen);
    }`,
    gives: false,
  },
  {
    tried: 'arguments.callee.caller up to the host',
    code: 'function f() { try { return String(arguments.callee.caller) } catch { return "null" } }',
    gives: 'undefined',
  },
  {
    tried: 'f.caller up to the prelude',
    code: 'function f() { try { return String(f.caller ?? null) } catch { return "null" } }',
    gives: 'null',
  },
  {
    tried: 'Error.captureStackTrace and prepareStackTrace for call sites',
    code: `function f() {
      let sites = 0;
      Error.prepareStackTrace = (_, list) => { sites = Array.isArray(list) ? list.filter((site) => {
        try { return site.getThis?.() !== undefined && site.getThis() !== null } catch { return false }
      }).length : 0; return 'x' };
      try { null.x } catch (e) { String(e.stack) }
      return sites;
    }`,
    gives: 0,
  },
  {
    tried: 'a prelude function in an error’s call sites',
    code: `function f() {
      let found = false;
      Error.prepareStackTrace = (_, list) => {
        if (Array.isArray(list)) for (const site of list) {
          const fn = site.getFunction?.();
          if (typeof fn === 'function' && fn !== f) found = true;
        }
        return '';
      };
      try { db.get(() => 1) } catch (e) { String(e.stack) }
      return found;
    }`,
    host,
    gives: false,
  },
  {
    tried: 'a bytecode loader',
    code: 'const f = () => Object.getOwnPropertyNames(globalThis).filter((n) => /bjson|bytecode|std|os$/i.test(n))',
    gives: [],
  },
  trying(
    'a `quickjs` global',
    'typeof quickjs + typeof QuickJS + typeof __jdbx',
    'undefinedundefinedundefined',
  ),
  trying(
    'globals that the language does not have',
    `Object.getOwnPropertyNames(globalThis).filter((n) => /^(__|jdbx|host|QTS)/i.test(n) && n !== "JdbxError" && !/^__(date_clock)/.test(n)).length`,
    0,
    { host },
  ),
];
