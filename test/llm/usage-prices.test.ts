/**
 * What the answers of each API tell of their usage, and what that costs, beside what the
 * package `@pydantic/genai-prices` makes of the same bodies: for its models, at random times of
 * the day, with random counts of everything that may be counted.
 */
import {
  calcPrice,
  extractUsage,
  findProvider,
  type Provider as Priced,
} from '@pydantic/genai-prices';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#jdbx/base/clock.js';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import type { ModelUsage } from '#jdbx/llm/contract.js';
import { costOf } from '#jdbx/llm/prices/cost.js';
import { type PriceDraft, readGenaiPrices } from '#jdbx/llm/prices/genai-prices.js';
import { priceAt } from '#jdbx/llm/prices/price-document.js';
import { usageOf as anthropicUsage } from '#jdbx/llm/providers/anthropic/answer.js';
import { usageOf as bedrockUsage } from '#jdbx/llm/providers/bedrock/answer.js';
import { usageOf as geminiUsage } from '#jdbx/llm/providers/gemini/answer.js';
import { usageOf as chatUsage } from '#jdbx/llm/providers/openai/facts.js';
import { responsesUsage } from '#jdbx/llm/providers/openai/responses-answer.js';
import { findPriceIn } from '#jdbx/model-sources.js';

type Body = Record<string, unknown>;

interface Api {
  readonly name: string;
  /** How the package calls the provider, and we do. */
  readonly providers: readonly [theirs: string, ours: string];
  readonly flavor: string;
  readonly body: fc.Arbitrary<Body>;
  readonly usage: (body: Body) => ModelUsage;
  /** The package's prices by the hour know no day from which on; ours do. Default: any in 2026. */
  readonly from?: string;
}

/** Prices have tiers from 128,000 tokens on. */
const total = fc.oneof(fc.nat(10_000), fc.integer({ min: 100_000, max: 500_000 }));

/** Parts of a total, none of them more than what the others leave. */
const parts = (count: number) =>
  fc
    .tuple(
      total,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: count, maxLength: count }),
    )
    .map(([whole, shares]) => {
      let left = whole;
      const taken = shares.map((share) => {
        const part = Math.floor(left * share);
        left -= part;
        return part;
      });
      return [whole, ...taken] as number[];
    });

const chat: fc.Arbitrary<Body> = fc.tuple(parts(3), parts(2)).map(([input, output]) => ({
  usage: {
    prompt_tokens: input[0],
    completion_tokens: output[0],
    prompt_tokens_details: {
      cached_tokens: input[1],
      cache_write_tokens: input[2],
      audio_tokens: input[3],
    },
    completion_tokens_details: { reasoning_tokens: output[1], audio_tokens: output[2] },
  },
}));

const responses: fc.Arbitrary<Body> = fc.tuple(parts(2), parts(1)).map(([input, output]) => ({
  output: [],
  usage: {
    input_tokens: input[0],
    output_tokens: output[0],
    input_tokens_details: { cached_tokens: input[1], cache_write_tokens: input[2] },
    output_tokens_details: { reasoning_tokens: output[1] },
  },
}));

const messages: fc.Arbitrary<Body> = fc
  .tuple(parts(1), total, total, parts(1), fc.nat(5))
  .map(([written, input, read, output, searches]) => ({
    usage: {
      input_tokens: input,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: written[0],
      cache_creation: {
        ephemeral_1h_input_tokens: written[1],
        ephemeral_5m_input_tokens: (written[0] as number) - (written[1] as number),
      },
      output_tokens: output[0],
      output_tokens_details: { thinking_tokens: output[1] },
      server_tool_use: { web_search_requests: searches },
    },
  }));

const converse: fc.Arbitrary<Body> = fc
  .tuple(total, total, total, total)
  .map(([inputTokens, outputTokens, cacheReadInputTokens, cacheWriteInputTokens]) => ({
    usage: { inputTokens, outputTokens, cacheReadInputTokens, cacheWriteInputTokens },
  }));

const MODALITIES = ['TEXT', 'AUDIO', 'IMAGE', 'VIDEO'];

const detailsOf = (counts: readonly (number | undefined)[]) =>
  counts.map((tokenCount, at) => ({ modality: MODALITIES[at], tokenCount }));

/** Each kind of input, how much of it was cached; and what is left out, because there is none. */
const generated: fc.Arbitrary<Body> = fc
  .tuple(fc.array(parts(1), { minLength: 4, maxLength: 4 }), parts(3), fc.nat(9_000), fc.nat(900))
  .map(([input, output, thoughts, tools]) => {
    const sum = (at: number) => input.reduce((whole, part) => whole + (part[at] as number), 0);
    const [said, ...others] = output as [number, ...number[]];
    const text = said - others.reduce((whole, part) => whole + part, 0);
    return {
      usageMetadata: {
        promptTokenCount: sum(0),
        promptTokensDetails: detailsOf(input.map(([whole]) => whole)),
        cachedContentTokenCount: sum(1),
        cacheTokensDetails: detailsOf(input.map(([, cached]) => cached)),
        ...(said === 0 ? {} : { candidatesTokenCount: said }),
        candidatesTokensDetails: detailsOf([text, ...others]),
        thoughtsTokenCount: thoughts,
        toolUsePromptTokenCount: tools,
      },
    };
  });

const APIS: readonly Api[] = [
  {
    name: 'chat completions',
    providers: ['openai', 'openai'],
    flavor: 'chat',
    body: chat,
    usage: ({ usage }) => chatUsage(usage),
  },
  {
    name: 'chat completions of a provider with prices by the hour',
    providers: ['deepseek', 'deepseek'],
    flavor: 'chat',
    body: chat,
    from: '2026-08-18',
    usage: ({ usage }) => chatUsage(usage),
  },
  {
    name: 'responses',
    providers: ['openai', 'openai'],
    flavor: 'responses',
    body: responses,
    usage: (body) => responsesUsage(body as never),
  },
  {
    name: 'messages',
    providers: ['anthropic', 'anthropic'],
    flavor: 'default',
    body: messages,
    usage: ({ usage }) => anthropicUsage(usage),
  },
  {
    name: 'Converse',
    providers: ['aws', 'bedrock'],
    flavor: 'default',
    body: converse,
    usage: ({ usage }) => bedrockUsage(usage),
  },
  {
    name: 'generateContent',
    providers: ['google', 'gemini'],
    flavor: 'default',
    body: generated,
    usage: ({ usageMetadata }) => geminiUsage(usageMetadata),
  },
  {
    name: "Mistral's chat completions",
    providers: ['mistral', 'mistral'],
    flavor: 'default',
    body: chat.map(({ usage }) => ({
      usage: { ...(usage as Body), prompt_tokens_details: { cached_tokens: 0 } },
    })),
    usage: ({ usage }) => chatUsage(usage),
  },
];

const NOTHING = { input_tokens: 0, output_tokens: 0 };
const THEIRS = [...new Set(APIS.map(({ providers: [theirs] }) => theirs))];
let drafts: readonly PriceDraft[];
let db: Jdbx;
beforeAll(async () => {
  drafts = (await readGenaiPrices(THEIRS)).documents;
  db = await open(MEMORY);
  await db.put(drafts as never);
});
afterAll(() => db.close());

describe.each(APIS)('$name', ({ providers: [theirs, ours], flavor, body, usage, from }) => {
  test('cost what the package says, for each model at any time', () => {
    const provider = findProvider({ providerId: theirs }) as Priced;
    const models = drafts.flatMap((draft) => {
      const name = [draft.model, ...namesIn(draft.match)].find((each) => {
        return calcPrice(NOTHING, each, { provider })?.model.id === draft.model;
      });
      return draft.provider === ours && name !== undefined ? [{ draft, name }] : [];
    });
    expect(models.length).toBeGreaterThan(3);
    fc.assert(
      fc.property(
        body,
        fc.constantFrom(...models),
        fc.date({
          min: new Date(from ?? '2026-01-01'),
          max: new Date('2026-12-31'),
          noInvalidDate: true,
        }),
        (answer, { draft, name }, timestamp) => {
          const told = extractUsage(provider, { model: name, ...answer }, flavor).usage;
          const expected = calcPrice(told, name, { provider, timestamp });
          const price = priceAt(draft as never, timestamp.getTime());
          const cost = costOf(usage(answer), price) as number;
          expect(cost).toBeCloseTo(expected?.total_price as number, 9);
        },
      ),
      { seed: 6, numRuns: 400 },
    );
  });
});

/** The names that the package's rules list; they are what users write. */
function namesIn(match: object): string[] {
  return Object.entries(match).flatMap(([kind, rule]) => {
    if (kind === 'or') return (rule as object[]).flatMap(namesIn);
    if (kind === 'equals' || kind === 'starts_with') return [rule as string];
    return kind === 'dated' ? [`${rule}-20260301`] : [];
  });
}

test('a model is found by each name that the package knows for it', async () => {
  const find = findPriceIn(db, systemClock);
  let names = 0;
  for (const [theirs, ours] of new Map(APIS.map(({ providers }) => providers))) {
    const provider = findProvider({ providerId: theirs }) as Priced;
    for (const name of provider.models.flatMap(({ match }) => namesIn(match))) {
      const known = calcPrice(NOTHING, name, { provider });
      const draft = drafts.find((each) => each.provider === ours && each.model === known?.model.id);
      if (!draft) continue;
      names++;
      expect([name, await find(ours, name)]).toEqual([name, priceAt(draft as never, Date.now())]);
    }
  }
  expect(names).toBeGreaterThan(300);
});
