/**
 * Reservations of two openers of one store, while the second one comes and goes, so that
 * counting moves between the first one's memory and the documents. A naive sum beside them
 * says what may be under way and what must be spent in the end.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import type { Budget } from '#jdbx/llm/budgets/budget-document.js';
import { Reservations, type SetAside } from '#jdbx/llm/budgets/reservations.js';
import { CallsFile } from '#jdbx/llm/counting/calls-file.js';
import { Hold } from '#jdbx/llm/counting/hold.js';
import { failure } from './calling.js';

let db: Jdbx;
let made = 0;
const directory = mkdtempSync(join(tmpdir(), 'jdbx-reservations-'));
const files = () => readdirSync(directory);
beforeAll(async () => {
  db = await open(MEMORY);
});
afterAll(async () => {
  await db.close();
  rmSync(directory, { recursive: true });
});

const get = (id: string) => {
  using snapshot = db.snapshot();
  return snapshot.get(id);
};
const read = (id: string) => db.get(id) as Promise<Budget>;

function opener(owner: string, othersCount: () => number) {
  const hold = new Hold({ submit: (plan) => db.submit(plan), get, othersCount, owner, directory });
  const now = () => Date.now();
  const reservations = new Reservations({ hold, get, now, isSettled: () => false });
  return { hold, reservations };
}

async function budget(tokens: number): Promise<string> {
  const _id = `budget:${++made}`;
  await db.insert({ _id, _type: 'budget', limits: { tokens } });
  return _id;
}

function take({ reservations }: ReturnType<typeof opener>, id: string, output_tokens = 90) {
  const need = { input_tokens: 10, output_tokens };
  const call = { id: `call:${++made}`, run: 'run:1', path: 's', budgets: [id], need };
  return reservations.reserve(call, () => {});
}

async function pay(aside: SetAside, tokens: number): Promise<void> {
  await db.submit((draft) => aside.settle(draft, { tokens, calls: 1 }));
  aside.ended(true);
}

describe('an opener that is alone', () => {
  it('sets aside without a commit, and knows what it set aside', async () => {
    const one = opener('alone', () => 0);
    const id = await budget(250);
    const first = await take(one, id);
    const { seq } = db;
    const second = await take(one, id);
    expect((await take(one, id)).amounts.tokens).toBe(50);
    expect(db.seq).toBe(seq);
    expect(await failure(take(one, id))).toMatchObject({ details: { left: 0, reserved: 250 } });
    await pay(first, 20);
    await pay(second, 30);
    expect((await take(one, id)).amounts.tokens).toBe(100);
    expect((await read(id)).spent).toEqual({ tokens: 50, calls: 2 });
    await one.hold.release();
    expect(await read(id)).toMatchObject({ reserved: { tokens: 150, calls: 2 } });
    expect(files()).toEqual([]);
  });

  it('sets nothing free for a commit that was not to be', async () => {
    const one = opener('again', () => 0);
    const id = await budget(100);
    const aside = await take(one, id);
    const failing = db.submit((draft) => {
      aside.settle(draft, { tokens: 20 });
      throw new Error('no');
    });
    expect((await failure(failing)).message).toBe('no');
    aside.ended(false);
    expect(await failure(take(one, id))).toMatchObject({ code: 'BUDGET_EXCEEDED' });
    await pay(aside, 20);
    expect((await take(one, id)).amounts.tokens).toBe(80);
    await one.hold.release();
  });

  it('finds what a killed one had under way, but what a commit has counted', async () => {
    const killed = opener('killed', () => 0);
    const id = await budget(1_000);
    const counted = await take(killed, id);
    await take(killed, id);
    await pay(counted, 15);
    // What is written down of one turn of the event loop is written at its end.
    await new Promise((resolve) => setImmediate(resolve));
    const [name] = files();
    expect(CallsFile.read(join(directory, name as string)).calls).toHaveLength(1);
    const next = opener('next', () => 0);
    await next.reservations.recover();
    expect(await read(id)).toMatchObject({ spent: { tokens: 15 }, reserved: { tokens: 100 } });
    expect(await db.query({ _type: 'reservation', budgets: id }).count()).toBe(1);
    // The killed one was only stopped, and goes on: what it counts stands in documents now.
    expect(killed.hold.isMine).toBe(false);
    await next.hold.release();
    expect(files()).toEqual([]);
  });
});

describe('two openers', () => {
  const step = fc.record({
    second: fc.boolean(),
    isThere: fc.boolean(),
    output: fc.integer({ min: 1, max: 60 }),
    used: fc.double({ min: 0, max: 1, noNaN: true }),
    pays: fc.boolean(),
  });

  it('never pass a limit, and leave nothing set aside', async () => {
    let isThere = false;
    const one = opener('one', () => (isThere ? 1 : 0));
    const two = opener('two', () => 1);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const limit = 200;
        const id = await budget(limit);
        const open: SetAside[] = [];
        let [underWay, spent] = [0, 0];
        for (const { second, output, used, pays, ...next } of steps) {
          ({ isThere } = next);
          const who = isThere && second ? two : one;
          const aside = await take(who, id, output).catch(() => undefined);
          if (aside) {
            open.push(aside);
            underWay += aside.amounts.tokens as number;
          }
          expect(spent + underWay).toBeLessThanOrEqual(limit);
          const paid = pays ? open.shift() : undefined;
          if (!paid) continue;
          const tokens = Math.floor((paid.amounts.tokens as number) * used);
          await pay(paid, tokens);
          underWay -= paid.amounts.tokens as number;
          spent += tokens;
        }
        for (const aside of open) {
          await pay(aside, 1);
          spent += 1;
        }
        await one.hold.release();
        const { spent: counted = {}, reserved = {} } = await read(id);
        expect(counted.tokens ?? 0).toBe(spent);
        expect(reserved.tokens ?? 0).toBe(0);
      }),
      { numRuns: 25, seed: 5 },
    );
  });
});
