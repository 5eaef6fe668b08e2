/** By what costs may be told apart: each a field of the audit trail's entries. */
export const COST_GROUPS = ['pipeline', 'integration', 'provider', 'model', 'run', 'day'] as const;

export type CostGroup = (typeof COST_GROUPS)[number];

export interface CostQuery {
  /** Calls that began at this time or later: ISO 8601. Default: from the start. */
  readonly since?: string | undefined;
  /** Calls that began before: ISO 8601. Default: until now. */
  readonly until?: string | undefined;
  /** Default `pipeline`. */
  readonly by?: CostGroup | undefined;
}

/** What calls of models came to, by the audit trail alone. */
export interface CostReport {
  /** The pipeline, integration, … or the UTC day; null where an entry names none. */
  readonly group: string | null;
  /** Attempts that went out, those that failed or were cancelled too. */
  readonly calls: number;
  /** Attempts that failed; not those that were cancelled here. */
  readonly failures: number;
  /** Those that were ended here, such as the slower one of two. */
  readonly cancelled: number;
  /** Answers that were kept ones. */
  readonly hits: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** US dollars, as far as prices are known. */
  readonly cost_usd: number;
  /** What calls may have cost besides that told no usage. Only calls under a budget know. */
  readonly at_most_usd: number;
  /** Calls that may have cost something, and nobody knows what, or not all of it. */
  readonly unknown: number;
  /** What the kept answers cost when they were fresh. */
  readonly saved_usd: number;
}

/** An aggregation over audit documents. */
type Aggregate = (stages: readonly object[]) => Promise<readonly object[]>;

/** Answers of their own: they ask nobody, and cost nothing. */
const LOCAL = ['recorded', 'extractive'];
/** A client error, 429 too, is a refusal: nothing was billed for it, nor for a server's error. */
const WAS_REFUSED = {
  $or: [{ $gte: [{ $ifNull: ['$error.status', 0] }, 300] }, { $eq: ['$error.unsent', true] }],
};

/** @returns a row for each group, the dearest first */
export async function costReport(
  aggregate: Aggregate,
  { since, until, by = 'pipeline' }: CostQuery = {},
): Promise<CostReport[]> {
  const begun = {
    ...(since === undefined ? {} : { $gte: since }),
    ...(until === undefined ? {} : { $lt: until }),
  };
  const within = Object.keys(begun).length === 0 ? {} : { started_at: begun };
  const sumIf = (condition: object) => ({ $sum: { $cond: [condition, 1, 0] } });
  const isHit = { $eq: ['$cached', true] };
  const isCancelled = { $eq: ['$cancelled', true] };
  const isError = { $ne: [{ $ifNull: ['$error', null] }, null] };
  const isPriced = { $ne: [{ $ifNull: ['$cost_usd', null] }, null] };
  const isWhole = { $eq: [{ $ifNull: ['$unpriced', null] }, null] };
  const isFree = { $or: [isHit, WAS_REFUSED, { $in: ['$provider', LOCAL] }] };
  const isKnown = { $or: [isFree, { $and: [isPriced, isWhole] }] };
  const rows = await aggregate([
    { $match: { _type: 'audit', kind: { $in: ['llm-call', 'embed-call'] }, ...within } },
    {
      $group: {
        _id: by === 'day' ? { $substrCP: ['$started_at', 0, 10] } : `$${by}`,
        calls: sumIf({ $not: [isHit] }),
        failures: sumIf({ $and: [isError, { $not: [isCancelled] }] }),
        cancelled: sumIf(isCancelled),
        hits: sumIf(isHit),
        input_tokens: { $sum: '$usage.input_tokens' },
        output_tokens: { $sum: '$usage.output_tokens' },
        cost_usd: { $sum: '$cost_usd' },
        at_most_usd: { $sum: '$at_most_usd' },
        unknown: sumIf({ $not: [isKnown] }),
        saved_usd: { $sum: '$saves.cost_usd' },
      },
    },
    { $sort: { cost_usd: -1, failures: -1, _id: 1 } },
  ]);
  return rows.map((row) => {
    const { _id, ...figures } = row as { _id?: string | null } & Omit<CostReport, 'group'>;
    return { group: _id ?? null, ...figures };
  });
}
