import { wilson } from './wilson.js';

/** What the audit trail says of answers that were kept. */
export interface CacheReport {
  /** Answers that were given for equal requests. */
  readonly exact: number;
  /** Answers that were given for requests that mean the same. */
  readonly semantic: number;
  /** US dollars that both saved. */
  readonly saved_usd: number;
  /** Answers that would have been given, and were asked for all the same. */
  readonly checked: number;
  /** Those among them that did not agree with the fresh answer. */
  readonly false_hits: number;
  /** Their share, and between which shares the true one lies with 95 % confidence; absent without any. */
  readonly false_hit_rate?: number;
  readonly false_hit_interval?: readonly [low: number, high: number];
}

/** An aggregation over audit documents. */
type Aggregate = (stages: readonly object[]) => Promise<readonly object[]>;

/** @param since ISO 8601; default: from the start */
export async function cacheReport(aggregate: Aggregate, since?: string): Promise<CacheReport> {
  const from = since === undefined ? {} : { at: { $gte: since } };
  const given = { _type: 'audit', kind: 'llm-call', cached: true, ...from };
  const [hits = {}] = (await aggregate([
    { $match: given },
    {
      $group: {
        _id: null,
        all: { $sum: 1 },
        semantic: { $sum: { $cond: [{ $gt: ['$semantic', null] }, 1, 0] } },
        saved_usd: { $sum: '$saves.cost_usd' },
      },
    },
  ])) as readonly { all?: number; semantic?: number; saved_usd?: number }[];
  const [trials = {}] = (await aggregate([
    { $match: { _type: 'audit', kind: 'semantic-check', would_serve: true, ...from } },
    {
      $group: {
        _id: null,
        checked: { $sum: 1 },
        wrong: { $sum: { $cond: ['$agreed', 0, 1] } },
      },
    },
  ])) as readonly { checked?: number; wrong?: number }[];
  const { all = 0, semantic = 0, saved_usd = 0 } = hits;
  const { checked = 0, wrong = 0 } = trials;
  const counts = { exact: all - semantic, semantic, saved_usd, checked, false_hits: wrong };
  if (checked === 0) return counts;
  return { ...counts, false_hit_rate: wrong / checked, false_hit_interval: wilson(wrong, checked) };
}
