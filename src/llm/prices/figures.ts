import type { ModelUsage, Price } from '../contract.js';

/** What a provider counts, what it costs, and what it is a part of. */
export interface Figure {
  readonly usage: keyof ModelUsage;
  readonly price: keyof Price;
  /** So many of them have the price. */
  readonly per: number;
  /** All that it is counted in as well: where it has no price, it costs what these do. */
  readonly within: readonly (keyof ModelUsage)[];
}

export const MILLION = 1_000_000;
export const THOUSAND = 1_000;

/** The narrowest first: what is left of the wider ones is what none of these has a price for. */
export const FIGURES: readonly Figure[] = [
  ...(['audio', 'image', 'video'] as const).map((kind) =>
    tokens(`cached_${kind}`, ['cached_tokens', `input_${kind}_tokens`, 'input_tokens']),
  ),
  tokens('cache_write_1h', ['cache_write_tokens', 'input_tokens']),
  tokens('cached', ['input_tokens']),
  tokens('cache_write', ['input_tokens']),
  ...(['audio', 'image', 'video'] as const).map((kind) =>
    tokens(`input_${kind}`, ['input_tokens']),
  ),
  tokens('input', []),
  tokens('reasoning', ['output_tokens']),
  ...(['audio', 'image', 'video'] as const).map((kind) =>
    tokens(`output_${kind}`, ['output_tokens']),
  ),
  tokens('output', []),
  { usage: 'web_searches', price: 'web_searches_per_thousand', per: THOUSAND, within: [] },
  { usage: 'file_searches', price: 'file_searches_per_thousand', per: THOUSAND, within: [] },
];

/** What may stand in a price. */
export const PRICE_FIELDS: readonly (keyof Price)[] = [
  ...FIGURES.map(({ price }) => price),
  'calls_per_thousand',
];

function tokens<Name extends string>(name: Name, within: readonly (keyof ModelUsage)[]): Figure {
  const usage = `${name}_tokens` as keyof ModelUsage;
  return { usage, price: `${name}_per_million` as keyof Price, per: MILLION, within };
}
