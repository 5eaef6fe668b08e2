import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { costOf, sumCosts } from '#jdbx/llm/prices/cost.js';
import { readGenaiPrices } from '#jdbx/llm/prices/genai-prices.js';
import { checkPrice, priceAt, priceNames } from '#jdbx/llm/prices/price-document.js';
import { failure } from './calling.js';

describe('cost', () => {
  const price = { input_per_million: 2.5, output_per_million: 10 };

  test('is usage times price', () => {
    expect(costOf({ input_tokens: 1_000, output_tokens: 200 }, price)).toBeCloseTo(0.0045, 12);
    expect(costOf({ input_tokens: 0, output_tokens: 0 }, price)).toBe(0);
  });

  test.each([
    ['no price', { input_tokens: 1, output_tokens: 1 }, undefined],
    ['no usage', {}, price],
    ['half of the usage', { input_tokens: 1 }, price],
  ])('is absent with %s', (_, usage, given) => {
    expect(costOf(usage, given)).toBeUndefined();
  });

  test('has a price of its own for what was cached', () => {
    const cached = { ...price, cached_per_million: 0.25, cache_write_per_million: 5 };
    const usage = {
      input_tokens: 1_000,
      output_tokens: 0,
      cached_tokens: 400,
      cache_write_tokens: 100,
    };
    expect(costOf(usage, cached)).toBeCloseTo((500 * 2.5 + 400 * 0.25 + 100 * 5) / 1e6, 12);
    expect(costOf(usage, price)).toBeCloseTo(0.0025, 12);
  });

  test('of a long input has the price of its tier', () => {
    const tiers = [
      { above_input_tokens: 200, input_per_million: 5 },
      { above_input_tokens: 500, input_per_million: 7, output_per_million: 20 },
    ];
    const at = (input_tokens: number) =>
      costOf({ input_tokens, output_tokens: 10 }, { ...price, tiers });
    expect(at(200)).toBeCloseTo((200 * 2.5 + 100) / 1e6, 12);
    expect(at(201)).toBeCloseTo((201 * 5 + 100) / 1e6, 12);
    expect(at(501)).toBeCloseTo((501 * 7 + 200) / 1e6, 12);
  });

  test('sums what is known', () => {
    expect(sumCosts([undefined, 1, 2])).toBe(3);
    expect(sumCosts([undefined])).toBeUndefined();
  });
});

describe('a price document', () => {
  const price = { input_per_million: 1, output_per_million: 2 };
  const document = (fields: object) =>
    ({ _id: 'price:p/m', _type: 'price', provider: 'p', model: 'm', ...fields }) as never;

  test('tells the price of a day', () => {
    const prices = [price, { ...price, from: '2026-03-01', input_per_million: 3 }];
    const at = (day: string) => priceAt(document({ prices }), Date.parse(`${day}T23:59:59Z`));
    expect(at('2026-02-28')?.input_per_million).toBe(1);
    expect(at('2026-03-01')?.input_per_million).toBe(3);
    const later = document({ prices: [{ ...price, from: '2026-03-01' }] });
    expect(priceAt(later, Date.parse('2026-02-28'))).toBeUndefined();
  });

  test.each([
    ['no prices', {}, 'prices'],
    ['a price that is none', { prices: [5] }, 'prices.0'],
    ['half a price', { prices: [{ input_per_million: 1 }] }, 'prices.0.output_per_million'],
    [
      'a price below zero',
      { prices: [{ ...price, cached_per_million: -1 }] },
      'prices.0.cached_per_million',
    ],
    ['a day that is none', { prices: [{ ...price, from: '2026-13-01' }] }, 'prices.0.from'],
    ['days out of order', { prices: [{ ...price, from: '2026-02-01' }, price] }, 'prices'],
    [
      'a tier from nowhere',
      { prices: [{ ...price, tiers: [{}] }] },
      'prices.0.tiers.0.above_input_tokens',
    ],
  ])('with %s is refused', (_, fields, path) => {
    const check = () => checkPrice(document(fields));
    expect(check).toThrow(expect.objectContaining({ code: 'INVALID_DOCUMENT', path }));
  });

  test.each([
    ['gpt-4.1-2025-04-14', ['gpt-4.1-2025-04-14', 'gpt-4.1']],
    ['claude-sonnet-4-5-20250929', ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5']],
    ['gpt-4.1', ['gpt-4.1']],
  ])('for %s is looked for under %j', (model, names) => {
    expect(priceNames(model)).toEqual(names);
  });
});

describe('prices from @pydantic/genai-prices', () => {
  let db: Jdbx;
  beforeAll(async () => {
    db = await open(MEMORY);
  });
  afterAll(() => db.close());

  test('are documents that the store takes, hundreds of them', async () => {
    const documents = await readGenaiPrices();
    expect(documents.length).toBeGreaterThan(150);
    await db.put(documents as never);
    expect(await db.get('price:openai/gpt-4.1')).toMatchObject({
      prices: [{ input_per_million: 2, output_per_million: 8, cached_per_million: 0.5 }],
    });
    expect(await db.get('price:gemini/gemini-2.5-pro')).toMatchObject({
      prices: [
        {
          input_per_million: 1.25,
          tiers: [{ above_input_tokens: 200_000, input_per_million: 2.5 }],
        },
      ],
    });
  });

  test('of an unknown provider are none', async () => {
    expect(await failure(readGenaiPrices(['nobody']))).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });
});
