import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject } from '../../base/values.js';
import type { Price } from '../contract.js';

/** What a model costs, and cost before. Its id is `price:PROVIDER/MODEL`. */
export interface PriceDocument extends Document {
  readonly _type: 'price';
  readonly provider: string;
  readonly model: string;
  /** Oldest first. */
  readonly prices: readonly DatedPrice[];
  /** Where the figures come from. */
  readonly source?: string;
}

/** A price from a day on, `2026-01-31` in UTC. Without `from`: from the beginning. */
export type DatedPrice = Price & { readonly from?: string };

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const FIGURES = [
  'input_per_million',
  'output_per_million',
  'cached_per_million',
  'cache_write_per_million',
] as const;

export function priceId(provider: string, model: string): string {
  return `price:${provider}/${model}`;
}

/**
 * The names that a price may be kept under, the closest first: providers answer with a
 * dated name (`gpt-4.1-2025-04-14`, `claude-sonnet-4-5-20250929`) for the one that was asked for.
 */
export function priceNames(model: string): string[] {
  const undated = model.replace(/-(\d{4}-\d{2}-\d{2}|\d{8})$/, '');
  return undated === model ? [model] : [model, undated];
}

/** The price that counts at `at`, in milliseconds since the epoch. */
export function priceAt({ prices }: PriceDocument, at: number): Price | undefined {
  const day = new Date(at).toISOString().slice(0, 10);
  return prices.findLast(({ from }) => from === undefined || from <= day);
}

/**
 * Checks a price document before it is written.
 *
 * @throws {JdbxError} INVALID_DOCUMENT with the path of the field
 */
export function checkPrice(document: NewDocument): void {
  const { provider, model, prices } = document;
  for (const [field, name] of Object.entries({ provider, model })) {
    if (typeof name !== 'string' || name === '') refuse(field, 'expected a name');
  }
  if (!Array.isArray(prices) || prices.length === 0) {
    refuse('prices', `expected a list of prices, got ${describeType(prices)}`);
  }
  for (const [index, price] of prices.entries()) checkDated(price, `prices.${index}`);
  const days = prices.map(({ from = '' }) => from as string);
  if (days.some((day, index) => index > 0 && day <= (days[index - 1] as string))) {
    refuse('prices', 'expected the oldest price first, each from a later day');
  }
}

function checkDated(price: unknown, path: string): void {
  if (!isPlainObject(price)) refuse(path, `expected a price, got ${describeType(price)}`);
  const { from, tiers = [] } = price;
  const isDay = typeof from === 'string' && DAY.test(from) && !Number.isNaN(Date.parse(from));
  if (from !== undefined && !isDay) refuse(`${path}.from`, 'expected a day such as 2026-01-31');
  checkFigures(price, path, ['input_per_million', 'output_per_million']);
  if (!Array.isArray(tiers)) refuse(`${path}.tiers`, 'expected a list of tiers');
  for (const [index, tier] of tiers.entries()) {
    const place = `${path}.tiers.${index}`;
    if (!isPlainObject(tier)) refuse(place, `expected a tier, got ${describeType(tier)}`);
    checkFigures(tier, place, ['above_input_tokens']);
  }
}

function checkFigures(
  price: Record<string, unknown>,
  path: string,
  required: readonly string[],
): void {
  for (const name of new Set([...required, ...FIGURES])) {
    const figure = price[name];
    if (figure === undefined && !required.includes(name)) continue;
    if (typeof figure !== 'number' || figure < 0) {
      refuse(`${path}.${name}`, 'expected a number of at least 0');
    }
  }
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_DOCUMENT', text, { path });
}
