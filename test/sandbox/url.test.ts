import { afterAll, describe, expect, test } from 'vitest';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { guestValue } from './guest.js';

/**
 * The guest's `URL` against Node's over seeded inputs, made of parts that are each known
 * for trouble. Left out is where Node 20 departs from the standard: relative references
 * to other than the web's schemes, and the `^` of a path, which it does not encode yet.
 */
const sandbox = createSandbox({ workers: 2 });
afterAll(() => sandbox.close());

let state = 11;
function below(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}
const pick = (list: readonly string[]) => list[below(list.length)] as string;

const WEB = ['http:', 'https:', 'ws:', 'wss:', 'ftp:', 'HTTP:', ' https:', 'ht\ntp:'];
const OTHER = ['mailto:', 'data:', 'foo:', 'blob:', 'h-t+p.1:', '1x:', 'file:'];
const SLASHES = ['//', '//', '//', '/', '\\\\', '', '///', '\\/'];
const USERS = ['', '', '', 'u@', 'u:p@', 'u:@', ':p@', 'a b:c@', '@', 'u@@', 'ü:[]@', 'a%20:|@'];
const HOSTS =
  'example.com EXAMPLE.Com a.b.c. 127.0.0.1 0x7f.1 1.2.3 256.1.1.1 1.2.3.4.5 0300.1 [::1] [1:2::3] [::ffff:1.2.3.4] [1::2::3] [::1 localhost ex%41mple.com a%zz münchen.de 日本.jp a..b % a<b 999999999999 1e3 0x x.09 .. - a_b [::0:0:1:0:0:0] [0:0:1::] 4294967295 4294967296 [1:2:3:4:5:6:7:8] [1:2:3:4:5:6:7::] ｅｘ．com [::1.2.3.] 0.0.0.0x100 a.0x'.split(
    ' ',
  );
const PORTS = [
  '',
  '',
  '',
  ':80',
  ':443',
  ':21',
  ':0',
  ':65535',
  ':65536',
  ':',
  ':8a',
  ':0080',
  ': 80',
];
const SEGMENTS =
  'a b .. . %2e %2E%2e .%2e é %zz {} | C| ~ * \u007f 😀 "<> \' ; = + $ & , a.b ... %00 %5c'.split(
    ' ',
  );
const QUERIES = ['', '', '?', '?a=1', '?a b', '?é\'"<>', '?%', '?a=b&c=d', '?`{}|', '??a'];
const HASHES = ['', '', '#', '#a', '# "<>`{}', '#é😀', '#?a#b', "#|'"];

const path = () =>
  Array.from({ length: below(5) }, () => pick(['/', '/', '/', '\\']) + pick(SEGMENTS)).join('');
const tail = () => path() + pick(QUERIES) + pick(HASHES);
const web = () => pick(WEB) + pick(SLASHES) + pick(USERS) + pick(HOSTS) + pick(PORTS) + tail();
const relative = () => pick(['', pick(SEGMENTS), `//${pick(HOSTS)}`]) + tail();
const COUNT = 1_500;
const many = <T>(make: () => T) => Array.from({ length: COUNT }, make);

const PARTS =
  'href origin protocol username password host hostname port pathname search hash'.split(' ');

/** Runs here and in the guest. */
function parseAll(cases: readonly string[][], parts: readonly string[]): unknown[] {
  return cases.map(([url, base]) => {
    try {
      const parsed = new URL(url as string, base) as unknown as Record<string, string>;
      return parts.map((part) => parsed[part]);
    } catch (error) {
      return (error as Error).constructor === TypeError;
    }
  });
}

function setAll(cases: readonly string[][], parts: readonly string[]): unknown[] {
  return cases.map(([base, part, value]) => {
    if (!URL.canParse(base as string)) return null;
    const url = new URL(base as string) as unknown as Record<string, string> & URL;
    try {
      url[part as string] = value as string;
    } catch (error) {
      return (error as Error).constructor === TypeError;
    }
    return [...parts.map((each) => url[each]), [...url.searchParams]];
  });
}

function paramsAll(queries: readonly string[]): unknown[] {
  return queries.map((query) => {
    const params = new URLSearchParams(query);
    const before = [
      params.toString(),
      params.size,
      params.get('a'),
      params.getAll('a'),
      params.has('a', '2'),
    ];
    params.append('z', 'é &');
    params.set('a', '9');
    params.delete('b ');
    params.delete('c', 'd');
    params.sort();
    return [before, [...params], [...params.keys()], [...params.values()], String(params)];
  });
}

async function inBoth(run: (...args: never[]) => unknown[], ...args: unknown[]): Promise<number> {
  const code = `const run = ${run}; const f = (...args) => run(...args)`;
  const limits = { timeoutMs: 30_000 };
  const mine = (await guestValue(sandbox, code, { args: args as never, limits })) as unknown[];
  const theirs = run(...(args as never[]));
  const asData = (value: unknown) => JSON.stringify(value);
  const cases = args[0] as unknown[];
  const wrong = cases.flatMap((each, index) =>
    asData(mine[index]) === asData(theirs[index]) ? [] : [[each, mine[index], theirs[index]]],
  );
  expect(wrong).toEqual([]);
  return theirs.filter(Array.isArray).length;
}

describe('URL, like Node’s', () => {
  test('parses', async () => {
    const cases = many(() => [web()]);
    expect(await inBoth(parseAll, cases, PARTS)).toBeGreaterThan(COUNT / 4);
  });

  test('parses beside a base', async () => {
    const cases = many(() => [relative(), web().replace(/[?#].*$/, '')]);
    expect(await inBoth(parseAll, cases, PARTS)).toBeGreaterThan(COUNT / 4);
  });

  test('parses other schemes', async () => {
    const other = () =>
      pick(OTHER) + pick(SLASHES) + pick(USERS) + pick(HOSTS) + pick(PORTS) + tail();
    const cases = many(() => [other().replace(/\.|%2e/gi, 'x')]);
    expect(await inBoth(parseAll, cases, PARTS)).toBeGreaterThan(COUNT / 4);
  });

  test('takes new parts', async () => {
    const values: { readonly [part: string]: () => string } = {
      href: web,
      protocol: () => pick([...WEB, ...OTHER]),
      username: () => pick(USERS),
      password: () => pick(USERS),
      host: () => pick(HOSTS) + pick(PORTS),
      hostname: () => pick(HOSTS) + pick(['', '/x', ':80']),
      port: () => pick(PORTS).slice(1),
      pathname: path,
      search: () => pick(QUERIES),
      hash: () => pick(HASHES),
    };
    const cases = many(() => {
      const part = pick(Object.keys(values));
      return [web(), part, (values[part] as () => string)()];
    });
    expect(await inBoth(setAll, cases, PARTS)).toBeGreaterThan(COUNT / 4);
  });

  test('reads, changes and writes parameters', async () => {
    const more = ['', '&a=2', '&%41=1', '+b=c+d', '&=&&a', '&a=%ff&a=%c3%a9', '&é=ü'];
    expect(
      await inBoth(
        paramsAll,
        many(() => pick(QUERIES) + pick(more)),
      ),
    ).toBe(COUNT);
  });

  test('and its parameters tell each other', async () => {
    const code = `function f() {
      const url = new URL('https://a/?x=1');
      const { searchParams } = url;
      searchParams.append('y', 'é ü');
      const before = url.href;
      url.search = '?z=3';
      return [before, searchParams.get('z'), url.searchParams === searchParams, JSON.stringify({ url }), URL.parse('::'), String(new URLSearchParams({ a: 1, b: [2, 3] })), String(new URLSearchParams([['q', 'w']]))];
    }`;
    expect(await guestValue(sandbox, code)).toEqual([
      'https://a/?x=1&y=%C3%A9+%C3%BC',
      '3',
      true,
      '{"url":"https://a/?z=3"}',
      null,
      'a=1&b=2%2C3',
      'q=w',
    ]);
  });
});
