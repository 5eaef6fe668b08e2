/**
 * Budgets over a real store. The property test makes random trees of budgets and lets
 * many calls reserve, settle and be forgotten at once; a naive sum beside them says what
 * must be in the documents at the end, and that no limit was ever passed by reservations.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import type { Amounts } from '#jdbx/llm/budgets/amounts.js';
import { type Budget, checkBudget } from '#jdbx/llm/budgets/budget-document.js';
import { type CallNeed, reserve, settle } from '#jdbx/llm/budgets/reserve.js';
import { estimateTokens, inputTokens, loadTokenCounter } from '#jdbx/llm/budgets/token-counter.js';
import { failure, request } from './calling.js';

let now = Date.UTC(2026, 0, 31, 12);
let db: Jdbx;
beforeAll(async () => {
  db = await open(MEMORY, { clock: { now: () => now } });
});
afterAll(() => db.close());

const price = { input_per_million: 1_000, output_per_million: 10_000 };
let made = 0;

async function budget(limits: Amounts, more: object = {}): Promise<string> {
  const _id = `budget:${++made}`;
  await db.insert({ _id, _type: 'budget', limits, ...more });
  return _id;
}

function take(budgets: string[], need: Partial<CallNeed> = {}, id = `call:${++made}`) {
  const whole = { input_tokens: 100, output_tokens: 1_000, price, ...need };
  const input = { id, run: 'run:1', path: 's', budgets, need: whole };
  return db.submit((draft) => ({ id, ...reserve(draft, input) }));
}

const pay = (id: string, actual?: Amounts) => db.submit((draft) => settle(draft, id, actual));
const read = (id: string) => db.get(id) as Promise<Budget>;

describe('a reservation', () => {
  it('sets aside what the call may come to, and gives back what it did not', async () => {
    const id = await budget({ cost_usd: 100, tokens: 5_000 });
    const grant = await take([id]);
    expect(grant.output_tokens).toBe(1_000);
    expect((await read(id)).reserved).toEqual({ tokens: 1_100, calls: 1, cost_usd: 10.1 });
    expect(await pay(grant.id, { tokens: 150, calls: 1, cost_usd: 0.6, time_ms: 20 })).toBe(true);
    expect(await read(id)).toMatchObject({
      spent: { tokens: 150, calls: 1, cost_usd: 0.6, time_ms: 20 },
      reserved: { tokens: 0, calls: 0, cost_usd: 0 },
    });
    expect(await db.query({ _type: 'reservation' }).count()).toBe(0);
  });

  it('cuts the answer to what remains, in every budget above too', async () => {
    const wide = await budget({ tokens: 10_000, cost_usd: 2.1 });
    const narrow = await budget({ tokens: 600 }, { parent: wide });
    expect((await take([narrow])).output_tokens).toBe(200);
    const other = await budget({ tokens: 600 });
    expect((await take([other])).output_tokens).toBe(500);
  });

  it('is refused when not one token can be paid for, and says where', async () => {
    const id = await budget({ tokens: 100 });
    const error = await failure(take([id]));
    expect(error).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      details: { budget: id, measure: 'tokens', left: 100, reserved: 0 },
    });
    expect(await db.query({ _type: 'reservation' }).count()).toBe(2);
  });

  it.each([
    ['calls', { calls: 1 }],
    ['time_ms', { time_ms: 5 }],
    ['cost_usd', { cost_usd: 0.1 }],
  ] as const)('counts %s', async (measure, limits) => {
    const id = await budget(limits);
    const need = measure === 'cost_usd' ? { input_tokens: 0, output_tokens: 10 } : {};
    const { id: call } = await take([id], need);
    await pay(call, { calls: 1, time_ms: 5, cost_usd: 0.1 });
    expect(await failure(take([id]))).toMatchObject({ details: { measure } });
  });

  it('whose end nobody knows is counted whole', async () => {
    const id = await budget({ tokens: 5_000 });
    const { id: call } = await take([id]);
    await pay(call);
    expect((await read(id)).spent).toMatchObject({ tokens: 1_100, calls: 1 });
  });

  it('is settled once', async () => {
    const id = await budget({ tokens: 5_000 });
    const { id: call } = await take([id]);
    await pay(call, { tokens: 10 });
    expect(await pay(call, { tokens: 10 })).toBe(false);
    expect((await read(id)).spent).toEqual({ tokens: 10 });
  });

  it('of a budget that was removed meanwhile is settled without it', async () => {
    const id = await budget({ tokens: 5_000 });
    const { id: call } = await take([id]);
    await db.remove(id);
    expect(await pay(call, { tokens: 10 })).toBe(true);
    expect(await failure(take([id]))).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });

  it('begins anew with the day or the month', async () => {
    const day = await budget({ tokens: 1_200 }, { window: 'day' });
    const month = await budget({ tokens: 2_400 }, { window: 'month' });
    await pay((await take([day, month])).id);
    expect(await failure(take([day]))).toMatchObject({ code: 'BUDGET_EXCEEDED' });
    now += 86_400_000;
    await pay((await take([day, month])).id);
    expect(await read(day)).toMatchObject({ spent: { tokens: 1_100 } });
    expect(await read(month)).toMatchObject({ spent: { tokens: 1_100 } });
    now += 3_600_000;
    await pay((await take([month], { output_tokens: 5 })).id);
    expect(await read(month)).toMatchObject({ spent: { tokens: 1_205 } });
  });

  it('of a budget above itself ends', async () => {
    const first = await budget({ tokens: 9_000 });
    const second = await budget({ tokens: 9_000 }, { parent: first });
    await db.update(first, { $set: { parent: second } });
    expect((await take([first])).output_tokens).toBe(1_000);
  });
});

describe('a budget document', () => {
  it.each([
    ['no limits', {}, 'limits'],
    ['empty limits', { limits: {} }, 'limits'],
    ['an unknown measure', { limits: { euros: 5 } }, 'limits.euros'],
    ['a negative limit', { limits: { calls: -1 } }, 'limits.calls'],
    ['a limit that is no number', { limits: { calls: '5' } }, 'limits.calls'],
    ['itself above it', { limits: { calls: 1 }, parent: 'budget:x' }, 'parent'],
    ['a window of no kind', { limits: { calls: 1 }, window: 'year' }, 'window'],
  ])('with %s is refused', (_, fields, path) => {
    const check = () => checkBudget({ _id: 'budget:x', _type: 'budget', ...fields } as never);
    expect(check).toThrow(expect.objectContaining({ code: 'INVALID_DOCUMENT', path }));
  });
});

describe('many calls at once', () => {
  const need = fc.record({
    input_tokens: fc.integer({ min: 0, max: 50 }),
    output_tokens: fc.integer({ min: 1, max: 200 }),
    priced: fc.boolean(),
    /** The part of what was set aside that the call comes to; none: nobody knows. */
    used: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    at: fc.nat(9),
  });
  const tree = fc.array(
    fc.record({ tokens: fc.integer({ min: 0, max: 2_000 }), parent: fc.nat(9) }),
    { minLength: 1, maxLength: 5 },
  );

  it('never pass a limit, and leave nothing set aside', async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.array(need, { maxLength: 25 }), async (nodes, calls) => {
        const ids: string[] = [];
        for (const { tokens, parent } of nodes) {
          const above = ids[parent];
          ids.push(
            await budget({ tokens, cost_usd: tokens / 100 }, above ? { parent: above } : {}),
          );
        }
        const spent = new Map<string, number>(ids.map((id) => [id, 0]));
        await Promise.all(
          calls.map(async ({ used, at, priced, ...tokens }) => {
            const start = ids[at % ids.length] as string;
            const asked = { ...tokens, price: priced ? price : undefined };
            const grant = await take([start], asked).catch(() => undefined);
            if (!grant) return;
            await checkLimits(ids);
            const whole = grant.amounts.tokens as number;
            const actual = used === undefined ? whole : Math.floor(whole * used);
            await pay(grant.id, used === undefined ? undefined : { tokens: actual });
            for (const id of await chain(start)) spent.set(id, (spent.get(id) ?? 0) + actual);
          }),
        );
        for (const id of ids) {
          const { spent: counted = {}, reserved = {} } = await read(id);
          expect(counted.tokens ?? 0).toBe(spent.get(id));
          expect(reserved.tokens ?? 0).toBe(0);
        }
      }),
      { numRuns: 30, seed: 7 },
    );
  });

  async function chain(start: string): Promise<string[]> {
    const { parent } = await read(start);
    return parent === undefined ? [start] : [start, ...(await chain(parent))];
  }

  async function checkLimits(ids: string[]): Promise<void> {
    for (const id of ids) {
      const { limits, spent = {}, reserved = {} } = await read(id);
      expect((spent.tokens ?? 0) + (reserved.tokens ?? 0)).toBeLessThanOrEqual(
        limits.tokens as number,
      );
    }
  }
});

describe('counting tokens', () => {
  it('by the tokenizer is near the estimate for prose', async () => {
    const count = await loadTokenCounter();
    const prose = 'It is a truth universally acknowledged, that a man must be in want of a wife. ';
    const [exact, estimate] = [count(prose.repeat(20)), estimateTokens(prose.repeat(20))];
    expect(estimate / exact).toBeGreaterThan(0.8);
    expect(estimate / exact).toBeLessThan(2);
  });

  it('takes in tools, calls, files and schemas', () => {
    const plain = inputTokens(request(), estimateTokens);
    const tools = [{ name: 'look', parameters: { type: 'object' } }];
    expect(inputTokens(request({ tools }), estimateTokens)).toBeGreaterThan(plain);
    const content = [{ type: 'image', url: 'https://example.com/a.png' }] as const;
    const messages = [{ role: 'user', content }] as const;
    expect(inputTokens(request({ messages }), estimateTokens)).toBeGreaterThan(1_000);
  });
});
