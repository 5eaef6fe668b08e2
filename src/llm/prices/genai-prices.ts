import { JdbxError } from '../../base/errors.js';
import { isPlainObject } from '../../base/values.js';
import { type DatedPrice, priceId } from './price-document.js';

/** The providers whose prices are taken when none is named. */
export const PRICED_PROVIDERS = ['openai', 'anthropic', 'google', 'aws', 'mistral'] as const;

/** The names that our providers go by, where the package has others. */
const OUR_NAMES = new Map([
  ['google', 'gemini'],
  ['aws', 'bedrock'],
]);

export interface PriceDraft {
  readonly _id: string;
  readonly _type: 'price';
  readonly provider: string;
  readonly model: string;
  readonly prices: readonly DatedPrice[];
  readonly source: string;
}

/**
 * Price documents from the optional package `@pydantic/genai-prices`, which lists what
 * providers charge, with tiers for long inputs and earlier prices. What it cannot say as
 * dollars for tokens (searches, prices by the hour of the day) is left out.
 *
 * @throws {JdbxError} PACKAGE_MISSING; MISSING_DOCUMENT for a provider that it does not know
 */
export async function readGenaiPrices(
  providers: readonly string[] = PRICED_PROVIDERS,
): Promise<PriceDraft[]> {
  const { findProvider } = await importPackage();
  return providers.flatMap((providerId) => {
    const provider = findProvider({ providerId });
    if (!provider) {
      const text = `expected a provider that genai-prices knows, got "${providerId}"`;
      throw new JdbxError('MISSING_DOCUMENT', text, { path: providerId });
    }
    const name = OUR_NAMES.get(providerId) ?? providerId;
    return provider.models.flatMap(({ id, prices }) => toDocument(name, id, prices));
  });
}

async function importPackage() {
  try {
    return await import('@pydantic/genai-prices');
  } catch (cause) {
    const text = 'expected the package @pydantic/genai-prices: npm install @pydantic/genai-prices';
    throw new JdbxError('PACKAGE_MISSING', text, { cause });
  }
}

function toDocument(provider: string, model: string, source: unknown): PriceDraft[] {
  const prices = datedPrices(source);
  if (prices.length === 0) return [];
  const _id = priceId(provider, model);
  return [{ _id, _type: 'price', provider, model, prices, source: '@pydantic/genai-prices' }];
}

/** Oldest first; of two for one day the later one in the list counts. */
function datedPrices(source: unknown): DatedPrice[] {
  const list = Array.isArray(source) ? source : [{ prices: source }];
  const byDay = new Map<string, DatedPrice>();
  for (const { constraint, prices } of list) {
    if (constraint !== undefined && constraint.type !== 'start_date') continue;
    const from: string = constraint?.start_date ?? '';
    const price = toPrice(prices);
    if (price) byDay.set(from, from === '' ? price : { from, ...price });
  }
  return [...byDay].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, price]) => price);
}

function toPrice(source: unknown): DatedPrice | undefined {
  if (!isPlainObject(source)) return undefined;
  const starts = new Set(Object.values(source).flatMap(startsOf));
  const base = figuresAt(source, 0);
  if (base.input_per_million === undefined) return undefined;
  const tiers = [...starts]
    .sort((left, right) => left - right)
    .map((start) => ({ above_input_tokens: start, ...figuresAt(source, start) }));
  // Models that give no text back, embeddings for one, have no price of output.
  const { input_per_million, output_per_million = 0, ...special } = base;
  const price = { input_per_million, output_per_million, ...special };
  return tiers.length === 0 ? price : { ...price, tiers };
}

function figuresAt(source: Record<string, unknown>, start: number) {
  return defined({
    input_per_million: priceFor(source.input_mtok, start),
    output_per_million: priceFor(source.output_mtok, start),
    cached_per_million: priceFor(source.cache_read_mtok, start),
    cache_write_per_million: priceFor(source.cache_write_mtok, start),
  });
}

function priceFor(figure: unknown, start: number): number | undefined {
  if (typeof figure === 'number') return figure;
  if (!isPlainObject(figure)) return undefined;
  const tiers = Array.isArray(figure.tiers) ? figure.tiers : [];
  const reached = tiers.filter((tier) => tier.start <= start);
  return (reached.at(-1)?.price ?? figure.base) as number;
}

function startsOf(figure: unknown): number[] {
  if (!isPlainObject(figure) || !Array.isArray(figure.tiers)) return [];
  return figure.tiers.map(({ start }) => start as number);
}

function defined<T extends object>(figures: T): { [K in keyof T]?: number } {
  return Object.fromEntries(
    Object.entries(figures).filter(([, figure]) => figure !== undefined),
  ) as { [K in keyof T]?: number };
}
