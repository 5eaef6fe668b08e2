import { JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { Price } from '../contract.js';
import { PRICE_FIELDS } from './figures.js';
import type { ModelMatch } from './model-match.js';
import { type DatedPrice, type Hours, priceId } from './price-document.js';

/** The providers whose prices are taken when none is named. */
export const PRICED_PROVIDERS = ['openai', 'anthropic', 'google', 'aws', 'mistral'] as const;

/** The names that our providers go by, where the package has others. */
const OUR_NAMES = new Map([
  ['google', 'gemini'],
  ['aws', 'bedrock'],
]);

/** Where these documents come from, as they say themselves. */
export const GENAI_PRICES = '@pydantic/genai-prices';

export interface PriceDraft {
  readonly _id: string;
  readonly _type: 'price';
  readonly provider: string;
  readonly model: string;
  readonly match: ModelMatch;
  readonly prices: readonly DatedPrice[];
  readonly source: string;
}

export interface GenaiPrices {
  readonly documents: readonly PriceDraft[];
  /** The ids of those that have no price for tokens, such as a transcription's by the hour. */
  readonly leftOut: readonly string[];
}

/**
 * Price documents from the optional package `@pydantic/genai-prices`, which lists what
 * providers charge: for what was cached, heard or looked up too, with tiers for long inputs,
 * earlier prices, and prices by the hour of the day.
 *
 * @throws {JdbxError} PACKAGE_MISSING; MISSING_DOCUMENT for a provider that it does not know
 */
export async function readGenaiPrices(
  providers: readonly string[] = PRICED_PROVIDERS,
): Promise<GenaiPrices> {
  const { findProvider } = await importPackage();
  const drafts = providers.flatMap((providerId) => {
    const provider = findProvider({ providerId });
    if (!provider) {
      const text = `expected a provider that genai-prices knows, got "${providerId}"`;
      throw new JdbxError('MISSING_DOCUMENT', text, { path: providerId });
    }
    const name = OUR_NAMES.get(providerId) ?? providerId;
    return provider.models.map((model) => toDocument(name, model));
  });
  const [documents, others] = [true, false].map((isPriced) =>
    drafts.filter(({ prices }) => prices.length > 0 === isPriced),
  ) as [PriceDraft[], PriceDraft[]];
  return { documents, leftOut: others.map(({ _id }) => _id) };
}

async function importPackage() {
  try {
    return await import('@pydantic/genai-prices');
  } catch (cause) {
    const text = `expected the package ${GENAI_PRICES}: npm install ${GENAI_PRICES}`;
    throw new JdbxError('PACKAGE_MISSING', text, { cause });
  }
}

interface SourceModel {
  readonly id: string;
  readonly match: unknown;
  readonly prices: unknown;
}

function toDocument(provider: string, { id: model, match, prices }: SourceModel): PriceDraft {
  return {
    _id: priceId(provider, model),
    _type: 'price',
    provider,
    model,
    match: toMatch(match),
    prices: datedPrices(prices),
    source: GENAI_PRICES,
  };
}

/** Of patterns, those that mean a name with a day after it; code of a document's runs nowhere here. */
function toMatch(match: unknown): ModelMatch {
  if (!isPlainObject(match)) return {};
  for (const join of ['or', 'and']) {
    const rules = match[join];
    if (Array.isArray(rules)) return { [join]: rules.map(toMatch) };
  }
  const { regex } = match;
  if (typeof regex !== 'string') return match as ModelMatch;
  const [, name] = /^\^((?:[\w/-]|\\.)+)-\\d\{(?:8|4\}-\\d\{2\}-\\d\{2)\}\$$/.exec(regex) ?? [];
  if (name !== undefined) return { dated: name.replaceAll('\\', '') };
  return /^\^\(\?!\.\*-\[tT\]/.test(regex) ? { without: '-tts' } : {};
}

/** Oldest first; what counts by the hour follows the price of the day that it stands beside. */
function datedPrices(source: unknown): DatedPrice[] {
  const list = Array.isArray(source) ? source : [{ prices: source }];
  const dated: DatedPrice[] = [];
  for (const { constraint, prices } of list) {
    const price = toPrice(prices);
    if (!price) continue;
    const from = constraint?.start_date ?? dated.at(-1)?.from;
    const hours = constraint?.type === 'time_of_date' ? hoursOf(constraint) : undefined;
    dated.push({ ...(from === undefined ? {} : { from }), ...(hours ? { hours } : {}), ...price });
  }
  return dated;
}

function hoursOf({ start_time, end_time }: Record<string, unknown>): Hours {
  return { from: utcTime(String(start_time)), until: utcTime(String(end_time)) };
}

/** `08:30:00+08:00` as `00:30`. */
function utcTime(time: string): string {
  return new Date(`2026-01-01T${time}`).toISOString().slice(11, 16);
}

/** A source that lists no price at all says that it costs nothing. */
function toPrice(source: unknown): DatedPrice | undefined {
  if (!isPlainObject(source)) return undefined;
  if (Object.keys(source).length === 0) return { input_per_million: 0, output_per_million: 0 };
  const { input_per_million, output_per_million = 0, ...special } = figuresAt(source, 0);
  if (input_per_million === undefined) return undefined;
  const starts = [...new Set(Object.values(source).flatMap(startsOf))];
  const tiers = starts
    .sort((left, right) => left - right)
    .map((start) => ({ above_input_tokens: start, ...figuresAt(source, start) }));
  const other = otherIn(source);
  return {
    input_per_million,
    // Models that give no text back, embeddings for one, have no price of output.
    output_per_million,
    ...special,
    ...(tiers.length === 0 ? {} : { tiers }),
    ...(Object.keys(other).length === 0 ? {} : { other }),
  };
}

/** What the source calls a figure: `cached_audio_per_million` is `cache_audio_read_mtok` there. */
const SOURCE_NAMES = new Map<string, string>([
  ['cached_per_million', 'cache_read_mtok'],
  ['cached_audio_per_million', 'cache_audio_read_mtok'],
  ['cached_image_per_million', 'cache_image_read_mtok'],
  ['cached_video_per_million', 'cache_video_read_mtok'],
  ['reasoning_per_million', 'output_reasoning_mtok'],
  ['web_searches_per_thousand', 'web_searches_kcount'],
  ['file_searches_per_thousand', 'storage_searches_kcount'],
  ['calls_per_thousand', 'requests_kcount'],
]);

function sourceName(field: string): string {
  return SOURCE_NAMES.get(field) ?? field.replace('_per_million', '_mtok');
}

type Figures = { [field in keyof Omit<Price, 'tiers'>]?: number };

function figuresAt(source: Record<string, unknown>, start: number): Figures {
  const figures = PRICE_FIELDS.map((field) => [field, priceFor(source[sourceName(field)], start)]);
  return Object.fromEntries(figures.filter(([, figure]) => figure !== undefined));
}

function otherIn(source: Record<string, unknown>): ValueObject {
  const known = new Set(PRICE_FIELDS.map(sourceName));
  const others = Object.entries(source).filter(([name]) => !known.has(name));
  return Object.fromEntries(others.map(([name, figure]) => [name, plain(figure)]));
}

/** Tiers are instances of a class of the package's. */
function plain(figure: unknown): Value {
  return JSON.parse(JSON.stringify(figure)) as Value;
}

function priceFor(figure: unknown, start: number): number | undefined {
  if (typeof figure === 'number') return figure;
  if (!isTiered(figure)) return undefined;
  return figure.tiers.filter((tier) => tier.start <= start).at(-1)?.price ?? figure.base;
}

function startsOf(figure: unknown): number[] {
  return isTiered(figure) ? figure.tiers.map(({ start }) => start) : [];
}

interface Tiered {
  readonly base: number;
  readonly tiers: readonly { readonly start: number; readonly price: number }[];
}

function isTiered(figure: unknown): figure is Tiered {
  return typeof figure === 'object' && figure !== null && 'tiers' in figure;
}
