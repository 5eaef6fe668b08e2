import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type ValueObject } from '../../base/values.js';
import type { Price } from '../contract.js';
import { PRICE_FIELDS } from './figures.js';
import type { ModelMatch } from './model-match.js';

/** What a model costs, and cost before. Its id is `price:PROVIDER/MODEL`. */
export interface PriceDocument extends Document {
  readonly _type: 'price';
  readonly provider: string;
  readonly model: string;
  /** Oldest first. */
  readonly prices: readonly DatedPrice[];
  /** Other names of the model. */
  readonly match?: ModelMatch;
  /** Where the figures come from. */
  readonly source?: string;
}

/** A price from a day on, `2026-01-31` in UTC. Without `from`: from the beginning. */
export type DatedPrice = Price & {
  readonly from?: string;
  /** The hours of the day in UTC when it counts, over midnight too. Default: all day. */
  readonly hours?: Hours;
  /** What the source says beside, of things that no answer's usage tells, such as pages. */
  readonly other?: ValueObject;
};

/** E.g. `{ from: '16:30', until: '00:30' }`. */
export type Hours = { readonly from: string; readonly until: string };

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const FIELDS: readonly string[] = [...PRICE_FIELDS, 'from', 'hours', 'other', 'tiers'];

export function priceId(provider: string, model: string): string {
  return `price:${provider}/${model}`;
}

/** The price that counts at `at`, in milliseconds since the epoch: the last one that holds then. */
export function priceAt({ prices }: PriceDocument, at: number): Price | undefined {
  const moment = new Date(at).toISOString();
  const [day, time] = [moment.slice(0, 10), moment.slice(11, 16)];
  return prices.findLast(
    ({ from = '', hours }) => from <= day && (!hours || isWithin(hours, time)),
  );
}

function isWithin({ from, until }: Hours, time: string): boolean {
  return from <= until ? from <= time && time < until : from <= time || time < until;
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
  if (prices.some((price, index) => index > 0 && !mayFollow(price, prices[index - 1]))) {
    refuse('prices', 'expected the oldest price first, each from a later day or for its hours');
  }
}

function mayFollow(price: DatedPrice, { from: before = '' }: DatedPrice): boolean {
  const { from = '', hours } = price;
  return hours === undefined ? from > before : from >= before;
}

function checkDated(price: unknown, path: string): void {
  if (!isPlainObject(price)) refuse(path, `expected a price, got ${describeType(price)}`);
  const { from, hours, tiers = [] } = price;
  const isDay = typeof from === 'string' && DAY.test(from) && !Number.isNaN(Date.parse(from));
  if (from !== undefined && !isDay) refuse(`${path}.from`, 'expected a day such as 2026-01-31');
  if (hours !== undefined && !isHours(hours)) {
    refuse(`${path}.hours`, 'expected { from, until }, times such as 16:30');
  }
  checkFigures(price, path, ['input_per_million', 'output_per_million']);
  checkNames(price, path, FIELDS);
  if (!Array.isArray(tiers)) refuse(`${path}.tiers`, 'expected a list of tiers');
  for (const [index, tier] of tiers.entries()) {
    const place = `${path}.tiers.${index}`;
    if (!isPlainObject(tier)) refuse(place, `expected a tier, got ${describeType(tier)}`);
    checkFigures(tier, place, ['above_input_tokens']);
    checkNames(tier, place, [...PRICE_FIELDS, 'above_input_tokens']);
  }
}

function checkFigures(
  price: Record<string, unknown>,
  path: string,
  required: readonly string[],
): void {
  for (const name of new Set([...required, ...PRICE_FIELDS])) {
    const figure = price[name];
    if (figure === undefined && !required.includes(name)) continue;
    if (typeof figure !== 'number' || !(figure >= 0)) {
      refuse(`${path}.${name}`, 'expected a number of at least 0');
    }
  }
}

function isHours(hours: unknown): boolean {
  if (!isPlainObject(hours)) return false;
  return [hours.from, hours.until].every((time) => typeof time === 'string' && TIME.test(time));
}

/** A misspelt price would be none. */
function checkNames(price: object, path: string, names: readonly string[]): void {
  for (const name of Object.keys(price)) {
    if (!names.includes(name)) refuse(`${path}.${name}`, `expected one of ${names.join(', ')}`);
  }
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_DOCUMENT', text, { path });
}
