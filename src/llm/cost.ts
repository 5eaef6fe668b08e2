import type { ModelUsage, Price } from './contract.js';

/**
 * US dollars for one call. Undefined when there is no price, or when the
 * provider did not report both figures: half a cost is no cost.
 */
export function costOf(usage: ModelUsage, price: Price | undefined): number | undefined {
  const { input_tokens, output_tokens } = usage;
  if (!price || input_tokens === undefined || output_tokens === undefined) return undefined;
  const millionths =
    input_tokens * price.input_per_million + output_tokens * price.output_per_million;
  return millionths / 1_000_000;
}

/** The sum of the costs that are known; undefined when none is. */
export function sumCosts(costs: readonly (number | undefined)[]): number | undefined {
  const known = costs.filter((cost) => cost !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, cost) => sum + cost, 0);
}
