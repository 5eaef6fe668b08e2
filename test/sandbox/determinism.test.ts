import { beforeAll, describe, expect, test } from 'vitest';
import { trialOf } from './fuzz/fuzz.mjs';
import { sourceOf } from './fuzz/grammar.mjs';
import { InThread } from './in-thread.js';

/**
 * Orders in which a language may go through what it holds. Where the standard says which, the
 * host's own engine is asked; where it does not, two runs must agree.
 */
const ORDERS: Readonly<Record<string, string>> = {
  'numbers before names':
    '({ b: 1, 10: 1, a: 1, 2: 1, "-1": 1, "01": 1, 4294967294: 1, 4294967295: 1 })',
  'a name that was deleted and came back':
    '(() => { const o = { a: 1, b: 2, c: 3 }; delete o.a; o.a = 4; return o })()',
  'names from a spread, assign and entries':
    '({ ...{ z: 1, y: 2, 5: 0 }, ...Object.assign({}, { y: 3, x: 4 }), ...Object.fromEntries([["w", 1], ["3", 1]]) })',
  'many names, past where a table of them grows':
    '(() => { const o = {}; for (let i = 0; i < 3000; i++) o["k" + (i * 7919) % 3001] = i; for (let i = 0; i < 500; i++) delete o["k" + i * 3]; return o })()',
  'names parsed from text': 'JSON.parse(\'{"q":1,"1":2,"a":{"z":1,"0":1},"p":3}\')',
  'symbols after names': 'Reflect.ownKeys({ [Symbol("s")]: 1, b: 1, 1: 1 }).map(String)',
  'what is inherited, in a loop':
    '(() => { const o = Object.create({ p: 1, a: 1, 3: 1 }, { a: { value: 1 }, z: { value: 1, enumerable: true } }); const seen = []; for (const key in o) seen.push(key); return seen })()',
  'maps and sets that change while they are read':
    '(() => { const m = new Map([[1, 1], [2, 2], [3, 3]]); const seen = []; for (const [k] of m) { seen.push(k); if (k === 1) { m.delete(2); m.set(2, 9) } if (seen.length < 9) m.set(10 + seen.length, 0) } return seen })()',
  'a sort of equals':
    'Array.from({ length: 600 }, (_, i) => ({ k: i % 7, i })).sort((a, b) => a.k - b.k).map(({ i }) => i)',
  'an array with holes':
    '(() => { const a = [3, , 1]; a[9] = 2; a.x = 1; return [Object.keys(a), a.sort()] })()',
  'groups and matches':
    '[..."a1b22c".matchAll(/(?<l>[a-z])(?<d>\\d*)/g)].map((m) => [m.index, Object.keys(m.groups)])',
};

/** Those that are the engine's own affair. */
const OWN_ORDERS: Readonly<Record<string, string>> = {
  'the names of globals': 'Object.getOwnPropertyNames(globalThis)',
  'the names of built-ins':
    '[Object, Array, Map, Math, JSON, Error].map((o) => Reflect.ownKeys(o).map(String))',
  'a sort by something that is no order':
    'Array.from({ length: 300 }, (_, i) => i).sort((a, b) => ((a * 7 + b * 13) % 5) - 2)',
  'objects as names in a map':
    '(() => { const m = new Map(); for (let i = 0; i < 400; i++) m.set({ i }, i); for (const k of [...m.keys()].slice(0, 200)) m.delete(k); return [...m.values()] })()',
  'jobs that race': '"see below"',
};

const RACE = `async function f() {
  const seen = []
  const go = async (name, times) => { for (let i = 0; i < times; i++) { await (i % 2 ? null : { then: (f) => f() }); seen.push(name + i) } }
  await Promise.all([go('a', 5), go('b', 3), Promise.race([go('c', 2), 1]), Promise.allSettled([Promise.reject(1).finally(() => seen.push('f'))])])
  return seen
}`;

const SEED = 4711;
const PROGRAMS = 25;

interface Trial {
  readonly code: string;
  readonly args: readonly unknown[];
}

/** What may go on until it is stopped, at a time that is no guest's. */
const ENDLESS = /2 \*\* |4e9|for \(;;\)|function r\(|again|\(a\+\)\+|\{1,99\}/;

const trials: readonly Trial[] = Array.from({ length: PROGRAMS * 20 }, (_, index) => ({
  code: sourceOf(trialOf(SEED, index).program),
  args: [index, { a: [index, 'x'] }],
}))
  .filter(({ code }) => !ENDLESS.test(code))
  .slice(0, PROGRAMS);

describe('what a guest goes through comes in one order', () => {
  let first: InThread;
  let second: InThread;
  beforeAll(async () => {
    first = await InThread.open();
    second = await InThread.open(first);
    // So that one memory has a past and the other has none.
    await first.run(
      'function f() { globalThis.a = Array.from({ length: 1e5 }, (_, i) => ({ i })) }',
    );
  });

  /** Keys are lost to an order of their own when an object crosses: they cross as text. */
  const told = (expression: string) => `const f = () => JSON.stringify(${expression})`;

  test.each(Object.entries(ORDERS))('%s, as the standard has it', async (_, expression) => {
    const { outcome } = await first.run(told(expression));
    expect(outcome).toEqual((await second.run(told(expression))).outcome);
    const value = JSON.parse((outcome as { text: string }).text);
    expect(value).toBe(JSON.stringify(new Function(`return ${expression}`)()));
  });

  test.each(Object.entries(OWN_ORDERS))('%s, whatever went before', async (name, expression) => {
    const code = name === 'jobs that race' ? RACE : told(expression);
    const { outcome } = await first.run(code);
    expect(outcome.kind).toBe('value');
    expect((await second.run(code)).outcome).toEqual(outcome);
    expect((await first.run(code)).outcome).toEqual(outcome);
  });

  test(`and ${PROGRAMS} programs of a seed leave the same bytes, result and memory, in either`, async () => {
    const host = { 'db.get': () => '+{"b":1,"a":[1,2]}', 'db.query': () => '+[]' };
    const run = (thread: InThread, { code, args }: Trial, n: number) =>
      thread.run(code, { args: [...args], host, seed: `seed ${n}`, now: 1e12, hashesAfter: true });
    const firsts = [];
    for (const [n, trial] of trials.entries()) firsts.push(await run(first, trial, n));
    let same = 0;
    // Backwards, so that each has other neighbours.
    for (const [n, trial] of [...trials.entries()].reverse()) {
      const { outcome, hashAfter, lines } = await run(second, trial, n);
      const { outcome: o, hashAfter: h, lines: l } = firsts[n] as (typeof firsts)[number];
      expect({ n, outcome, lines }).toEqual({ n, outcome: o, lines: l });
      if (hashAfter === h) same++;
    }
    expect([trials.length, same]).toEqual([PROGRAMS, PROGRAMS]);
  });
});
