import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GUEST_LIMITS } from '#jdbx/sandbox/contract.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { callGuest, codeOf, guestValue } from '../guest.js';
import type { Attempt } from './attempt.js';
import { CROSSINGS } from './crossing.js';
import { DETERMINISMS, REPLAYED } from './determinism.js';
import { ERRORS } from './errors.js';
import { ESCAPES } from './escape.js';
import { MEMORIES } from './memory.js';
import { PROTOTYPES } from './prototypes.js';
import { RIGHTS } from './rights.js';
import { documentFor, LEFTOVERS } from './state.js';
import { TIMES } from './time.js';

/**
 * What hostile code tries, by class, against a real pool. The grace is so wide
 * that a guest which does not stop inside of its instance would be seen: its
 * message then says that its worker was ended.
 */
const sandbox = createSandbox({ workers: 2, graceMs: 10_000 });
afterAll(() => sandbox.close());

const WORKER_ENDED = /had to be ended with its worker/;
/** What no text that reaches a caller or a guest may hold. */
const HOST_TRACES =
  /node:|file:\/\/|\/dist\/|\/src\/|node_modules|worker_threads|wasm-function|<jdbx>/;

/** A fingerprint of the host's own prototypes. */
function hostPrototypes(): string {
  const types = [Object, Array, Function, String, Number, Error, Promise, Map, Date, Uint8Array];
  const shape = types.map(({ name, prototype }) => [
    name,
    Reflect.ownKeys(prototype).map(String),
    Object.isFrozen(prototype),
    String(Object.getOwnPropertyDescriptor(prototype, 'toString')?.value),
  ]);
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex');
}

const PROBE = `const f = () => [Object.getOwnPropertyNames(globalThis).length, typeof left,
  Reflect.ownKeys(Object.prototype).length, Reflect.ownKeys(Array.prototype).length, Math.random(),
  [3, 1, 2].sort(), JSON.stringify({ a: [1] }), /(a+)b/.exec("aab")[1], new Date(5).toISOString()]`;
let probed: unknown;
let prototypes: string;

beforeAll(async () => {
  probed = await guestValue(sandbox, PROBE);
  prototypes = hostPrototypes();
});

async function check(attempt: Attempt): Promise<void> {
  const { code, args = [], host = {}, gives, fails, says } = attempt;
  const limits = { timeoutMs: 20_000, ...attempt.limits };
  const settled = await callGuest(sandbox, code, { args, host, limits }).then(
    ({ value }) => ({ value }),
    (error: Error & { code?: string; details?: unknown }) => ({ error }),
  );
  if ('error' in settled) {
    const { error } = settled;
    expect(error.message).not.toMatch(WORKER_ENDED);
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toMatch(HOST_TRACES);
    expect([fails].flat(), error.message).toContain(error.code);
    if (says) expect(error.message).toMatch(says);
  } else {
    expect(fails, `gave ${JSON.stringify(settled.value)}`).toBeUndefined();
    expect(settled.value).toEqual(gives);
    expect(JSON.stringify(settled.value)).not.toMatch(HOST_TRACES);
  }
  expect(hostPrototypes()).toBe(prototypes);
  expect(await guestValue(sandbox, PROBE)).toEqual(probed);
}

const CLASSES = {
  'to escape': ESCAPES,
  'to forge results by prototypes': PROTOTYPES,
  'to misuse what crosses': CROSSINGS,
  'not to end': TIMES,
  'to take all memory or stack': MEMORIES,
  'to use rights it has not': RIGHTS,
  'to see the host’s time, place or chance': DETERMINISMS,
  'to attack by what it throws': ERRORS,
};

for (const [name, attempts] of Object.entries(CLASSES)) {
  describe(`a guest that tried ${name}`, () => {
    test.each(attempts.map((attempt) => [attempt.tried, attempt] as const))('%s', (_, attempt) =>
      check(attempt),
    );
  });
}

describe('a call finds nothing of what the one before left', () => {
  test.each(LEFTOVERS.map((left) => [left.tried, left] as const))('%s', async (_, left) => {
    const code = documentFor(left);
    const host = { 'db.get': () => 1 };
    const options = { host, limits: { timeoutMs: 60 } };
    const first = await guestValue(sandbox, 'const f = () => Math.random()', { host });
    for (let round = 0; round < 2; round++) {
      await callGuest(sandbox, code, { ...options, args: [true, first] }).catch(() => {});
      const found = await guestValue(sandbox, code, { host, args: [false, first] });
      expect(found).toEqual(left.finds);
    }
  });
});

describe('a run that is replayed gives the same bytes', () => {
  test.each(REPLAYED.map((code) => [code]))('%s', async (code) => {
    const host = { 'db.get': (id: unknown) => ({ id }) as never };
    const outcome = async (seed: string) => {
      const call = callGuest(sandbox, code, { args: [5], host, seed });
      const settled = await call.then(
        ({ value, console }) => ({ value, console }),
        ({ code: errorCode, message, details }) => ({ errorCode, message, details }),
      );
      return JSON.stringify(settled);
    };
    const first = await outcome('seed');
    expect(await outcome('seed')).toBe(first);
    expect(await Promise.all(Array.from({ length: 6 }, () => outcome('seed')))).toEqual(
      Array.from({ length: 6 }, () => first),
    );
    if (/random\(\)/.test(code)) expect(await outcome('another')).not.toBe(first);
  });
});

test('the suite holds at least 150 attempts', () => {
  const count = Object.values(CLASSES).flat().length + LEFTOVERS.length + REPLAYED.length;
  expect(count).toBeGreaterThanOrEqual(150);
});

test('limits of hostile documents are cut to their ceilings', async () => {
  const { ceilings } = GUEST_LIMITS;
  expect(
    await codeOf(
      callGuest(sandbox, 'function f() { return f() + 1 }', {
        limits: { stackBytes: ceilings.stackBytes },
      }),
    ),
  ).toBe('GUEST_STACK');
});
