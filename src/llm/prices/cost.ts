import type { ModelUsage, Price } from '../contract.js';
import { FIGURES, type Figure, MILLION, THOUSAND } from './figures.js';

/**
 * US dollars for one call: what was cached, heard, seen, thought or looked up at its own
 * price, where there is one. Undefined when there is no price, or when the provider did not
 * report both input and output: half a cost is no cost.
 */
export function costOf(usage: ModelUsage, price: Price | undefined): number | undefined {
  const { input_tokens, output_tokens } = usage;
  if (!price || input_tokens === undefined || output_tokens === undefined) return undefined;
  const reached = tierFor(price, input_tokens);
  const own: Paid[] = [];
  let millionths = (reached.calls_per_thousand ?? 0) * THOUSAND;
  for (const figure of pricedIn(reached)) {
    const count = usage[figure.usage];
    if (!count) continue;
    const left = Math.max(0, count - narrower(own, figure));
    own.push({ figure, left });
    millionths += left * (reached[figure.price] as number) * (MILLION / figure.per);
  }
  return millionths / MILLION;
}

/** What was used and has no price of its own, nor is a part of what has one: it is in no cost. */
export function unpricedIn(usage: ModelUsage, price: Price | undefined): (keyof ModelUsage)[] {
  const found: (keyof ModelUsage)[] = [];
  if (!price) return found;
  for (const { usage: name, price: field } of WIDEST) {
    if ((usage[name] ?? 0) > 0 && price[field] === undefined) found.push(name);
  }
  return found;
}

const WIDEST = FIGURES.filter(({ within }) => within.length === 0);

interface Paid {
  readonly figure: Figure;
  readonly left: number;
}

/** What there is a price for; found once for a price that cannot change. */
function pricedIn(price: Price): readonly Figure[] {
  const known = PRICED.get(price);
  if (known) return known;
  const found = FIGURES.filter(({ price: field }) => price[field] !== undefined);
  if (Object.isFrozen(price)) PRICED.set(price, found);
  return found;
}

const PRICED = new WeakMap<Price, readonly Figure[]>();

/** The sum of the costs that are known; undefined when none is. */
export function sumCosts(costs: readonly (number | undefined)[]): number | undefined {
  const known = costs.filter((cost) => cost !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, cost) => sum + cost, 0);
}

/** A long input has the price of its tier, all of it, as the providers count. */
export function tierFor(price: Price, inputTokens: number): Price {
  const { tiers } = price;
  if (!tiers) return price;
  const reached = tiers.filter(({ above_input_tokens }) => inputTokens > above_input_tokens);
  const highest = reached.sort((a, b) => b.above_input_tokens - a.above_input_tokens)[0];
  return highest ? { ...price, ...highest } : price;
}

/** How many of what a figure counts have been paid for at the price of a part of it. */
function narrower(paid: readonly Paid[], { usage }: Figure): number {
  let sum = 0;
  for (const { figure, left } of paid) if (figure.within.includes(usage)) sum += left;
  return sum;
}
