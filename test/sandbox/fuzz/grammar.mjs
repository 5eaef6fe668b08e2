/**
 * Writes guest programs: a few declarations, then an entry of statements. They
 * parse, mostly run, and like the corners: odd receivers, huge lengths, replaced
 * built-ins, proxies, generators, host calls anywhere.
 */
const NAMES = ['a', 'b', 'x0', 'x1', 'x2', 'x3', 'x4'];
const LITERALS = [
  '0',
  '-0',
  '1',
  '-1',
  '2 ** 31',
  '2 ** 53 - 1',
  '4294967295',
  'NaN',
  'Infinity',
  '1e21',
  '0.1',
  '""',
  '"a"',
  '"text"',
  '"__proto__"',
  '"then"',
  '"\\u0001d5"',
  '"\\ud800"',
  '"x".repeat(999)',
  'null',
  'undefined',
  'true',
  '10n',
  '(1n << 200n)',
  '[]',
  '[1, , 3]',
  '({})',
  '/(a+)+b/g',
  '/./su',
  'Symbol("s")',
  'Symbol.iterator',
  'new Date(5)',
  'new Date(NaN)',
  'new Uint8Array(9)',
  'new Float64Array(4)',
  'new ArrayBuffer(16)',
  'new Map([[1, 2]])',
  'new Set("abc")',
  'new Error("e")',
  'new WeakMap()',
  'Promise.resolve(1)',
  'globalThis',
  'db',
  'console',
  'Object.prototype',
  'Array.prototype',
  'Function.prototype',
  'Reflect',
  'Math.random()',
  'Date.now()',
  'new Proxy({}, {})',
  '{ length: 9 }',
  '{ length: 2 ** 53 - 1, 0: 1 }',
  '{ length: 2 ** 29 + 1, 0: "a", 1: "b" }',
  '{ length: 2 ** 31 - 1, 0: 1 }',
  '{ 0: 1, get length() { return ++turns % 2 ? 3 : 2 ** 30 + 1 } }',
  '{ then(done) { done(7) } }',
  '{ toJSON() { return 8 } }',
  '{ toString() { return "k" } }',
  '{ valueOf() { return 3 } }',
  '{ [Symbol.toPrimitive]() { throw 1 } }',
  '{ __proto__: null, z: 1 }',
  '{ get g() { return 4 } }',
].map((text) => (text.startsWith('{') ? `(${text})` : text));
const UNARY = ['-', '+', '!', '~', 'typeof ', 'void '];
const BINARY = [
  '+',
  '-',
  '*',
  '/',
  '%',
  '**',
  '&',
  '|',
  '^',
  '<<',
  '>>>',
  '==',
  '===',
  '<',
  '>=',
  '&&',
  '||',
  '??',
  'in',
  'instanceof',
  ',',
];
const KEYS = [
  'length',
  'a',
  '0',
  'constructor',
  '__proto__',
  'then',
  'prototype',
  'name',
  'stack',
  'message',
];
const METHODS = [
  'map',
  'filter',
  'reduce',
  'sort',
  'slice',
  'splice',
  'concat',
  'indexOf',
  'includes',
  'join',
  'fill',
  'flat',
  'flatMap',
  'copyWithin',
  'reverse',
  'push',
  'pop',
  'shift',
  'unshift',
  'at',
  'with',
  'toSorted',
  'toReversed',
  'toSpliced',
  'findLast',
  'keys',
  'entries',
  'split',
  'replace',
  'replaceAll',
  'match',
  'repeat',
  'padStart',
  'trim',
  'charCodeAt',
  'normalize',
  'toString',
  'valueOf',
  'toFixed',
  'toISOString',
  'getTime',
  'setTime',
  'get',
  'set',
  'add',
  'has',
  'delete',
  'forEach',
  'subarray',
  'next',
  'return',
  'then',
  'catch',
  'finally',
  'call',
  'apply',
  'bind',
  'hasOwnProperty',
  'toJSON',
  'exec',
  'test',
  'localeCompare',
];
const STATICS = [
  'Object.keys',
  'Object.entries',
  'Object.assign',
  'Object.freeze',
  'Object.create',
  'Object.fromEntries',
  'Object.getOwnPropertyDescriptors',
  'Object.setPrototypeOf',
  'Object.defineProperty',
  'Array.from',
  'Array.of',
  'Array.isArray',
  'JSON.stringify',
  'JSON.parse',
  'Reflect.ownKeys',
  'Reflect.construct',
  'Reflect.apply',
  'Reflect.get',
  'Math.max',
  'Number',
  'String',
  'Boolean',
  'BigInt',
  'parseInt',
  'parseFloat',
  'encodeURIComponent',
  'decodeURIComponent',
  'Symbol.for',
  'Promise.all',
  'Promise.race',
  'String.raw',
  'isNaN',
  'Date.parse',
  'Date.UTC',
  'structuredLike',
];
const HOST = [
  'db.get',
  'db.put',
  'db.insert',
  'db.update',
  'db.remove',
  'db.getMany',
  'db.query',
  'llm.call',
  'checkpoint',
];

export class Grammar {
  #choices;
  #isAsync;

  constructor(choices) {
    this.#choices = choices;
    this.#isAsync = choices.once(2);
  }

  program() {
    const choices = this.#choices;
    const head = choices.once(3) ? choices.times(2, () => this.#sabotage()) : [];
    const body = Array.from({ length: 2 + choices.below(9) }, () => this.#statement(3));
    return { isAsync: this.#isAsync, head, body, result: this.#result() };
  }

  #result() {
    const choices = this.#choices;
    if (choices.once(4)) return this.#expression(3);
    return `[${choices.times(4, () => this.#expression(2)).join(', ')}]`;
  }

  #statement(depth) {
    const choices = this.#choices;
    const inner = () => choices.times(2, () => this.#statement(depth - 1)).join(' ');
    const kinds = depth > 0 ? 15 : 5;
    switch (choices.below(kinds)) {
      case 0:
      case 1:
      case 2:
        return `${choices.from(NAMES)} = ${this.#expression(depth)};`;
      case 3:
        return `${this.#hostCall(depth)};`;
      case 4:
        return `console.log(${this.#expression(depth)});`;
      case 5:
        return `if (${this.#expression(1)}) { ${inner()} } else { ${inner()} }`;
      case 6:
        return `for (let i = 0; i < ${choices.from(['3', '9', '50'])}; i++) { ${inner()} }`;
      case 7:
        return `try { ${inner()} } catch (e) { x0 = e; ${inner()} } finally { ${inner()} }`;
      case 8:
        return `try { for (const v of ${this.#expression(1)}) { x1 = v; if (spent()) break; ${inner()} } } catch {}`;
      case 9:
        return `for (const k in ${this.#expression(1)}) { x2 = k; if (spent()) break; ${inner()} }`;
      case 10:
        return `try { ${choices.from(NAMES)}[${this.#key()}] = ${this.#expression(1)}; } catch {}`;
      case 11:
        return this.#within(
          () =>
            `{ function* g() { yield ${this.#expression(1)}; ${inner()} } try { x3 = [...g()]; } catch {} }`,
        );
      case 12:
        return `try { class C extends (${choices.from(['Object', 'Array', 'Error', 'Map', 'a'])}) { p = ${this.#expression(1)}; get q() { return ${this.#expression(1)} } } x4 = new C(${this.#expression(1)}); } catch {}`;
      case 13:
        return this.#isAsync
          ? `try { x0 = await ${this.#expression(1)}; } catch {}`
          : this.#sabotage();
      default:
        return this.#trouble();
    }
  }

  #sabotage() {
    const choices = this.#choices;
    const target = choices.from([
      'Object',
      'Array',
      'String',
      'Function',
      'Promise',
      'Map',
      'Error',
      'Date',
    ]);
    const value = choices.from([
      '1',
      'null',
      '() => { throw 1 }',
      '() => this',
      'function () { return this }',
    ]);
    const key = choices.from([
      `"${choices.from(METHODS)}"`,
      `"${choices.from(KEYS)}"`,
      'Symbol.iterator',
      '"value"',
      '"get"',
    ]);
    return choices.from([
      `try { ${target}.prototype[${key}] = ${value}; } catch {}`,
      `try { Object.defineProperty(${target}.prototype, ${key}, { get: ${value}, configurable: true }); } catch {}`,
      `try { globalThis.${target} = ${value}; } catch {}`,
      `try { delete globalThis.${target}; } catch {}`,
      'globalThis.left = new Uint8Array(1e6).fill(7);',
      'Object.freeze(Array.prototype);',
    ]);
  }

  /** Rare, since each may take the whole deadline. */
  #trouble() {
    const choices = this.#choices;
    if (!choices.once(6)) return `x1 = ${this.#expression(2)};`;
    return choices.from([
      'for (;;);',
      'for (;;) try { for (;;); } catch {}',
      '(function r() { try { r() } catch { r() } })();',
      '(function r() { r() })();',
      '{ const s = []; s.length = 4e9; s.sort(); }',
      '/^(a+)+$/.test("a".repeat(40) + "b");',
      '{ let s = "ab"; for (;;) s += s; }',
      '{ const s = []; for (;;) s.push(new Uint8Array(1e5)); }',
      '{ const s = []; for (;;) s.push({ s }); }',
      'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);',
      'Promise.resolve().then(function again() { return Promise.resolve().then(again) });',
      'for (;;) Error.prototype.toString.call(new Error("x".repeat(999)));',
      'x2 = new RegExp("(?:a{1,99}){1,99}b").test("a".repeat(1e4));',
    ]);
  }

  #hostCall(depth) {
    const choices = this.#choices;
    const args = choices.times(3, () => this.#expression(Math.max(0, depth - 1))).join(', ');
    const wait = this.#isAsync && choices.once(2) ? 'await ' : '';
    const chain = choices.once(4)
      ? choices.from(['.sort({ a: 1 })', '.limit(2)', '.first()', '.count()', '.toArray()', '[0]'])
      : '';
    return `try { ${choices.from(NAMES)} = ${wait}${choices.from(HOST)}(${args})${chain} } catch (e) { x1 = e.code ?? e }`;
  }

  #expression(depth) {
    const choices = this.#choices;
    if (depth <= 0) return choices.once(2) ? choices.from(NAMES) : choices.from(LITERALS);
    const part = () => this.#expression(depth - 1);
    switch (choices.below(13)) {
      case 0:
        return `(${choices.from(UNARY)}(${part()}))`;
      case 1:
        return `((${part()}) ${choices.from(BINARY)} (${part()}))`;
      case 2:
        return `[${choices.times(4, part).join(', ')}]`;
      case 3:
        return `({ ${choices.times(4, () => `[${this.#key()}]: ${part()}`).join(', ')} })`;
      case 4:
        if (choices.once(4)) {
          return `safe(() => [].${choices.from(METHODS)}.call(${[part(), ...choices.times(2, part)].join(', ')}))`;
        }
        return `safe(() => (${part()}).${choices.from(METHODS)}(${choices.times(2, part).join(', ')}))`;
      case 5:
        return `safe(() => ${choices.from(STATICS)}(${choices.times(3, part).join(', ')}))`;
      case 6:
        return `safe(() => (${part()})[${this.#key()}])`;
      case 7:
        return `((p = ${part()}) => ${part()})`;
      case 8:
        return `safe(() => new Proxy(${part()}, { ${choices.from(['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set'])}(...t) { return ${part()} } }))`;
      case 9:
        return `safe(() => \`\${${part()}} \${${part()}}\`)`;
      case 10:
        return this.#within(() => `safe(() => { ${this.#statement(0)} return ${part()} })`);
      default:
        return part();
    }
  }

  /** Another function begins here, in which nothing can be awaited. */
  #within(make) {
    const isAsync = this.#isAsync;
    this.#isAsync = false;
    const text = make();
    this.#isAsync = isAsync;
    return text;
  }

  #key() {
    const choices = this.#choices;
    return choices.once(3) ? this.#expression(0) : `"${choices.from(KEYS)}"`;
  }
}

/** The source of a program: its head and its body may be cut down line by line. */
export function sourceOf({ isAsync, head, body, result }) {
  return [
    "const structuredLike = (value) => JSON.parse(JSON.stringify(value) ?? 'null');",
    'let turns = 0; const spent = () => ++turns > 200;',
    'const safe = (run) => { try { return run() } catch (error) { return error } };',
    ...head,
    `${isAsync ? 'async ' : ''}function f(a, b) {`,
    'let x0, x1, x2, x3, x4;',
    ...body,
    `return ${result};`,
    '}',
  ].join('\n');
}
