/** What a budget counts. */
export const MEASURES = ['cost_usd', 'tokens', 'calls', 'time_ms'] as const;

export type Measure = (typeof MEASURES)[number];

/** US dollars, tokens of input and output together, calls, and milliseconds that calls took. */
export type Amounts = { readonly [measure in Measure]?: number };

export function addAmounts(left: Amounts, right: Amounts): Amounts {
  return combine(left, right, (a, b) => a + b);
}

/** Never below zero: sums of fractions may miss it by a rounding error. */
export function subtractAmounts(left: Amounts, right: Amounts): Amounts {
  return combine(left, right, (a, b) => Math.max(0, a - b));
}

/** What is left of each limit; a measure without a limit is absent. */
export function leftOf(limits: Amounts, used: Amounts): Amounts {
  const left: { -readonly [measure in Measure]?: number } = {};
  for (const measure of MEASURES) {
    const limit = limits[measure];
    if (limit !== undefined) left[measure] = Math.max(0, limit - (used[measure] ?? 0));
  }
  return left;
}

/** Written out, since every call comes by here several times. */
function combine(left: Amounts, right: Amounts, join: (a: number, b: number) => number): Amounts {
  const { cost_usd, tokens, calls, time_ms } = left;
  const joined: { -readonly [measure in Measure]?: number } = {};
  if ((cost_usd ?? right.cost_usd) !== undefined) {
    joined.cost_usd = join(cost_usd ?? 0, right.cost_usd ?? 0);
  }
  if ((tokens ?? right.tokens) !== undefined) joined.tokens = join(tokens ?? 0, right.tokens ?? 0);
  if ((calls ?? right.calls) !== undefined) joined.calls = join(calls ?? 0, right.calls ?? 0);
  if ((time_ms ?? right.time_ms) !== undefined) {
    joined.time_ms = join(time_ms ?? 0, right.time_ms ?? 0);
  }
  return joined;
}
