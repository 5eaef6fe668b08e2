import { createHash } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { callGuest, codeOf, errorOf, guestValue } from './guest.js';

const sandbox = createSandbox({ workers: 2 });
afterAll(() => sandbox.close());

/** The value of an expression in a guest. */
const value = (expression: string, args: unknown[] = []) =>
  guestValue(sandbox, `async function f(...args) { return (${expression}) }`, {
    args: args as never,
  });

/** Numbers that are the same at every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('TextEncoder and TextDecoder', () => {
  const random = randomNumbers(7);
  const bytes = Array.from({ length: 400 }, () =>
    Uint8Array.from({ length: random(12) }, () =>
      random(3) === 0
        ? random(256)
        : ([0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xef, 0xbb, 0xbf][random(10)] as number),
    ),
  );
  const run = (
    list: readonly Uint8Array[],
    options: { fatal?: boolean; ignoreBOM?: boolean },
    stream: boolean,
  ) => {
    const read = (decode: () => string) => {
      try {
        return decode();
      } catch (error) {
        return (error as Error).name;
      }
    };
    return list.map((each) => {
      const decoder = new TextDecoder('utf-8', options);
      const half = each.length >> 1;
      if (!stream) return read(() => decoder.decode(each));
      return read(
        () =>
          decoder.decode(each.subarray(0, half), { stream }) + decoder.decode(each.subarray(half)),
      );
    });
  };

  for (const stream of [false, true]) {
    test.each([{}, { fatal: true }, { ignoreBOM: true }])(
      `read like Node's, %o, ${stream ? 'in two parts' : 'at once'}`,
      async (options) => {
        const code = `const run = ${run}; const f = (...args) => run(...args)`;
        const args = [bytes, options, stream] as never;
        expect(await guestValue(sandbox, code, { args })).toEqual(run(bytes, options, stream));
      },
    );
  }

  test('write like Node’s, lone surrogates and all', async () => {
    const parts = ['a', 'é', '€', '😀', '\\ud800', '\\udc00', '\\0'];
    const texts = Array.from({ length: 200 }, () =>
      Array.from({ length: random(6) }, () => parts[random(parts.length)]).join(''),
    );
    const code = `const f = () => [${texts.map((text) => `"${text}"`)}].map((each) => new TextEncoder().encode(each))`;
    const expected = texts.map((text) =>
      new TextEncoder().encode(JSON.parse(`"${text.replaceAll('\\0', '\\u0000')}"`)),
    );
    expect(await guestValue(sandbox, code)).toEqual(expected);
  });

  test('encodeInto stops at whole characters', async () => {
    const expression =
      '(() => { const to = new Uint8Array(6); return [new TextEncoder().encodeInto("a€😀", to), to] })()';
    expect(await value(expression)).toEqual([
      { read: 2, written: 4 },
      Uint8Array.of(97, 226, 130, 172, 0, 0),
    ]);
  });

  test('know no other encoding', async () => {
    expect(await value('new TextDecoder("UTF8").encoding')).toBe('utf-8');
    expect((await errorOf(value('new TextDecoder("latin1")'))).message).toContain('RangeError');
  });
});

describe('atob and btoa', () => {
  test('read and write like Node’s', async () => {
    const random = randomNumbers(3);
    const texts = Array.from({ length: 200 }, () =>
      Array.from({ length: random(9) }, () => String.fromCharCode(random(256))).join(''),
    );
    const odd = [
      '',
      ' YQ == ',
      'YQ',
      'YWI',
      'YR==',
      'Y',
      'YQ=',
      'Y Q\n=\t=',
      '====',
      'a-b_',
      'YWJj=',
    ];
    const run = (plain: string[], encoded: string[]) => [
      ...plain.map((text) => [btoa(text), atob(btoa(text)) === text]),
      ...encoded.map((text) => {
        try {
          return atob(text);
        } catch (error) {
          return (error as Error).name;
        }
      }),
    ];
    const code = `const run = ${run}; const f = (...args) => run(...args)`;
    expect(await guestValue(sandbox, code, { args: [texts, odd] })).toEqual(run(texts, odd));
    expect((await errorOf(value('btoa("€")'))).message).toContain('InvalidCharacterError');
  });
});

describe('structuredClone', () => {
  test('copies what the language has, cycles and shared parts included', async () => {
    const code = `function f() {
      const shared = { n: 1 };
      const error = new RangeError('bad', { cause: shared });
      const value = {
        shared, again: shared, map: new Map([[shared, new Set([1, 'x'])]]), date: new Date(5),
        pattern: /a+/giu, bytes: new Uint8Array([1, 2, 3]).subarray(1), view: new DataView(new ArrayBuffer(4), 1),
        boxed: Object(7n), sparse: [1, , 3], error, nothing: undefined, big: 12n, own: Object.create({ inherited: 1 }),
      };
      value.self = value;
      const copy = structuredClone(value);
      copy.shared.n = 2;
      return [
        copy !== value, copy.self === copy, copy.again === copy.shared, shared.n,
        [...copy.map.keys()][0] === copy.shared, [...copy.map.values()][0].has('x'),
        copy.date.getTime(), copy.pattern.source + copy.pattern.flags, [...copy.bytes], copy.bytes.buffer.byteLength,
        copy.view.byteLength, copy.boxed.valueOf() === 7n, 1 in copy.sparse, copy.sparse.length,
        copy.error instanceof RangeError, copy.error.message, copy.error.cause === copy.shared,
        'nothing' in copy, copy.big === 12n, 'inherited' in copy.own,
      ];
    }`;
    expect(await guestValue(sandbox, code)).toEqual([
      true,
      true,
      true,
      1,
      true,
      true,
      5,
      'a+giu',
      [2, 3],
      3,
      3,
      true,
      false,
      3,
      true,
      'bad',
      true,
      true,
      true,
      false,
    ]);
  });

  test.each([
    ['a function', '() => 1'],
    ['a symbol', 'Symbol("s")'],
    ['a promise within', '({ p: Promise.resolve() })'],
    ['a weak map', 'new WeakMap()'],
    ['something to transfer', '1, { transfer: [new ArrayBuffer(1)] }'],
  ])('refuses %s', async (_, expression) => {
    const error = await errorOf(value(`structuredClone(${expression})`));
    expect(error.message).toContain('DataCloneError');
  });
});

describe('crypto', () => {
  test.each(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'])('digests by %s like Node', async (name) => {
    const data = Uint8Array.from({ length: 1_000 }, (_, index) => index % 251);
    const expression = `new Uint8Array(await crypto.subtle.digest({ name: '${name.toLowerCase()}' }, args[0].subarray(3)))`;
    const expected = createHash(name.replace('-', '')).update(data.subarray(3)).digest();
    expect(await value(expression, [data])).toEqual(new Uint8Array(expected));
  });

  test('gives the same random values for the same seed, and others for another', async () => {
    const code = `function f() {
      return [crypto.randomUUID(), crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(7)), Math.random()];
    }`;
    const once = (seed: string) => guestValue(sandbox, code, { seed });
    const first = (await once('a')) as [string, string];
    expect(await once('a')).toEqual(first);
    expect(await once('b')).not.toEqual(first);
    expect(first[0]).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(first[1]).not.toBe(first[0]);
  });

  test.each([
    [
      'an unknown algorithm',
      'await crypto.subtle.digest("MD5", new Uint8Array(1))',
      'NotSupportedError',
    ],
    ['a text to digest', 'await crypto.subtle.digest("SHA-1", "text")', 'TypeError'],
    ['floats to fill', 'crypto.getRandomValues(new Float64Array(1))', 'TypeMismatchError'],
    ['too much to fill', 'crypto.getRandomValues(new Uint8Array(65537))', 'QuotaExceededError'],
  ])('refuses %s', async (_, expression, name) => {
    expect((await errorOf(value(expression))).message).toContain(name);
  });
});

describe('what a guest does not have', () => {
  test.each([
    ['setTimeout(() => 1)', /no timers/],
    ['fetch("http://a")', /no network/],
    ['require("fs")', /not Node/],
    ['new Intl.Collator()', /no locales/],
  ])('%s is said so', async (expression, text) => {
    const error = await errorOf(value(expression));
    expect(error.code).toBe('GUEST_ERROR');
    expect(error.message).toMatch(text);
  });

  test('knows no locale and no zone', async () => {
    const expression =
      '[new Date(0).toString(), new Date(2020, 6, 1).getTimezoneOffset(), (1234.5).toLocaleString(), "ä".localeCompare("z"), typeof Intl]';
    const [date, offset, number, order, intl] = (await value(expression)) as never[];
    expect([date, offset, intl]).toEqual(['Thu Jan 01 1970 00:00:00 GMT+0000', 0, 'undefined']);
    expect(number).toBe('1234.5');
    expect(order).toBeGreaterThan(0);
  });
});

describe('an API', () => {
  test('is there only for code that names it, and is made anew for each call', async () => {
    const code = `export default function f() {
      const seen = 'mine' in URL;
      URL.mine = true;
      return seen;
    }`;
    expect(await guestValue(sandbox, code)).toBe(false);
    expect(await guestValue(sandbox, code)).toBe(false);
    expect(
      await guestValue(sandbox, 'const f = () => globalThis["atob".slice()] === undefined'),
    ).toBe(false);
    expect(await guestValue(sandbox, 'const f = () => globalThis["at" + "ob"] === undefined')).toBe(
      true,
    );
  });

  test('may be declared by the guest itself', async () => {
    for (const kind of [
      'function URL() {}',
      'var URL = 1',
      'let URL = 1',
      'const URL = 1',
      'class URL {}',
    ]) {
      expect(await guestValue(sandbox, `${kind}\nfunction f() { return typeof URL }`)).not.toBe(
        'undefined',
      );
    }
  });

  test('holds nothing of the host, whatever the guest replaced', async () => {
    const code = `function f() {
      const seen = [];
      for (const name of ['charCodeAt', 'codePointAt', 'replace', 'split']) {
        const original = String.prototype[name];
        String.prototype[name] = function (...args) { seen.push(...args); return original.apply(this, args) };
      }
      Array.prototype.map = function () { seen.push(this); return [] };
      try { new URL('http://a/b?c#d').href; btoa('x'); structuredClone({ a: [1] }) } catch (error) { seen.push(error) }
      return seen.length > 0 && seen.every((each) => typeof each !== 'function');
    }`;
    expect(await guestValue(sandbox, code)).toBe(true);
  });

  test('is bounded like the guest', async () => {
    const endless = 'function f() { const a = []; a[0] = a; for (;;) structuredClone(a) }';
    expect(await codeOf(callGuest(sandbox, endless, { limits: { timeoutMs: 300 } }))).toBe(
      'GUEST_TIMEOUT',
    );
    const deep =
      'function f() { let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; return structuredClone(a) }';
    expect(['GUEST_STACK', 'GUEST_ERROR']).toContain(await codeOf(callGuest(sandbox, deep)));
  });

  test('prints tables', async () => {
    const code =
      'function f() { console.table([{ a: 1, b: "x" }, { a: 20 }]); console.table(["v"]) }';
    const { console } = await callGuest(sandbox, code);
    expect(console.map(({ text }) => text)).toEqual([
      '   a   b\n0  1   x\n1  20',
      '   value\n0  v',
    ]);
  });
});
