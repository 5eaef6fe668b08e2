import type { ModelUsage, Price } from '../contract.js';

/**
 * US dollars for one call: input that was read from or written to the provider's prompt
 * cache at its own price, where there is one. Undefined when there is no price, or when
 * the provider did not report both figures: half a cost is no cost.
 */
export function costOf(usage: ModelUsage, price: Price | undefined): number | undefined {
  const { input_tokens, output_tokens, cached_tokens = 0, cache_write_tokens = 0 } = usage;
  if (!price || input_tokens === undefined || output_tokens === undefined) return undefined;
  const { input_per_million, output_per_million, ...special } = tierFor(price, input_tokens);
  const { cached_per_million = input_per_million } = special;
  const { cache_write_per_million = input_per_million } = special;
  const plain = Math.max(0, input_tokens - cached_tokens - cache_write_tokens);
  const millionths =
    plain * input_per_million +
    cached_tokens * cached_per_million +
    cache_write_tokens * cache_write_per_million +
    output_tokens * output_per_million;
  return millionths / 1_000_000;
}

/** The sum of the costs that are known; undefined when none is. */
export function sumCosts(costs: readonly (number | undefined)[]): number | undefined {
  const known = costs.filter((cost) => cost !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, cost) => sum + cost, 0);
}

/** A long input has the price of its tier, all of it, as the providers count. */
function tierFor(price: Price, inputTokens: number): Price {
  const { tiers = [], ...base } = price;
  const reached = tiers.filter(({ above_input_tokens }) => inputTokens > above_input_tokens);
  const highest = reached.sort((a, b) => b.above_input_tokens - a.above_input_tokens)[0];
  return highest ? { ...base, ...highest } : base;
}
