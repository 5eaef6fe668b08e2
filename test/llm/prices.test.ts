import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import { costOf, sumCosts, unpricedIn } from '#jdbx/llm/prices/cost.js';
import { readGenaiPrices } from '#jdbx/llm/prices/genai-prices.js';
import { matchesModel } from '#jdbx/llm/prices/model-match.js';
import { checkPrice, priceAt } from '#jdbx/llm/prices/price-document.js';
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

  test('names what has no price, and is a part of nothing that has one', () => {
    const usage = { input_tokens: 10, output_tokens: 5, input_audio_tokens: 4, web_searches: 2 };
    expect(unpricedIn(usage, price)).toEqual(['web_searches']);
    expect(unpricedIn(usage, { ...price, web_searches_per_thousand: 10 })).toEqual([]);
    expect(unpricedIn(usage, undefined)).toEqual([]);
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

  test('is looked for among those of its provider, in a store of whatever size', async () => {
    await using db = await open(MEMORY);
    const { plan } = await db.query({ _type: 'price', provider: 'p' }).sort({ _id: 1 }).explain();
    expect(plan).toMatch(/^index/);
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
      'a misspelt price',
      { prices: [{ ...price, cache_per_million: 1 }] },
      'prices.0.cache_per_million',
    ],
    ['hours that are none', { prices: [{ ...price, hours: { from: '8' } }] }, 'prices.0.hours'],
    [
      'a price that is not a number',
      { prices: [{ ...price, input_per_million: Number.NaN }] },
      'prices.0.input_per_million',
    ],
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
    [{ equals: 'GPT-4' }, 'gpt-4', true],
    [{ equals: 'gpt-4' }, 'gpt-4o', false],
    [{ or: [{ equals: 'x' }, { starts_with: 'gpt-4' }] }, 'gpt-4o', true],
    [{ and: [{ starts_with: 'gemini' }, { without: '-tts' }] }, 'gemini-tts', false],
    [{ dated: 'claude-5' }, 'claude-5-20260301', true],
    [{ dated: 'claude-5' }, 'claude-5', false],
    [{ regex: '.*' }, 'gpt-4', false],
    [{}, 'gpt-4', false],
    [undefined, 'gpt-4', false],
  ])('whose match is %j is for %s: %s', (match, model, expected) => {
    expect(matchesModel(match, model)).toBe(expected);
  });

  test('counts at its hours, over midnight too', () => {
    const hours = { from: '16:30', until: '00:30' };
    const prices = [price, { ...price, hours, input_per_million: 0.5 }];
    const at = (time: string) => priceAt(document({ prices }), Date.parse(`2026-02-01T${time}Z`));
    expect(at('16:29:59')?.input_per_million).toBe(1);
    expect(at('16:30:00')?.input_per_million).toBe(0.5);
    expect(at('00:29:59')?.input_per_million).toBe(0.5);
    expect(at('00:30:00')?.input_per_million).toBe(1);
    expect(() => checkPrice(document({ prices }))).not.toThrow();
  });
});

describe('prices from @pydantic/genai-prices', () => {
  let db: Jdbx;
  beforeAll(async () => {
    db = await open(MEMORY);
  });
  afterAll(() => db.close());

  test('are documents that the store takes, hundreds of them', async () => {
    const { documents, leftOut } = await readGenaiPrices();
    expect(documents.length).toBeGreaterThan(150);
    expect(leftOut).toContain('price:openai/whisper-1');
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
