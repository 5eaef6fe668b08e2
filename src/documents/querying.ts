import type { Document } from '../base/document.js';
import { aggregate } from '../query/aggregate.js';
import type { QuerySource, QuickSource } from '../query/contract.js';
import { count, find, run } from '../query/execute.js';
import { explain } from '../query/explain.js';
import { plan } from '../query/plan.js';
import type { PlanCache } from '../query/prepared/plan-cache.js';
import type { Filter, Query } from './contract.js';
import type { QueryRunner } from './cursor.js';
import type { View } from './view.js';

/** A source that keeps plans by the shape of their queries. */
interface Planned extends QuickSource {
  readonly plans: PlanCache;
}

export function findDocuments(source: QuerySource | Planned, query: Query): Document[] {
  const known = 'plans' in source ? source.plans.find(query, source) : undefined;
  return (known ?? find(plan(query, source), source)) as Document[];
}

export function countDocuments(source: QuerySource, query: Query): number {
  return count(plan(query, source), source);
}

export function explainQuery(source: QuerySource, query: Query): Filter {
  return { ...explain(plan(query, source), source) };
}

export function runAggregate(
  source: QuerySource,
  stages: readonly Filter[],
  nowMs: number,
): unknown[] {
  return [...aggregate(stages, { source, now: nowMs })];
}

/** Runs reads that end at once over the view of now, which `current` gives, others over one of their own. */
export function queryRunner(current: () => View, open: () => View): QueryRunner {
  return {
    // As an async function would, which costs a query of few results a tenth of its time.
    find: (query) => {
      try {
        return Promise.resolve(findDocuments(current(), query));
      } catch (error) {
        return Promise.reject(error);
      }
    },
    count: async (query) => countDocuments(current(), query),
    explain: async (query) => explainQuery(current(), query),
    iterate: (query) => iterate(open, (view) => view, query),
  };
}

/** Runs each read over a view of its own, closed when the read is done. */
export function queryRunnerOver(
  open: () => View,
  sourceOf: (view: View, query: Query) => QuerySource,
): QueryRunner {
  const within = <T>(query: Query, work: (source: QuerySource) => T): T => {
    const view = open();
    try {
      return work(sourceOf(view, query));
    } finally {
      view.close();
    }
  };
  return {
    find: async (query) => within(query, (source) => findDocuments(source, query)),
    count: async (query) => within(query, (source) => countDocuments(source, query)),
    explain: async (query) => within(query, (source) => explainQuery(source, query)),
    iterate: (query) => iterate(open, sourceOf, query),
  };
}

async function* iterate(
  open: () => View,
  sourceOf: (view: View, query: Query) => QuerySource,
  query: Query,
): AsyncGenerator<Document> {
  const view = open();
  try {
    const source = sourceOf(view, query);
    for (const document of run(plan(query, source), source)) {
      yield document as Document;
      // Some documents are read ahead; whoever closed the store must not get them still.
      view.checkOpen();
    }
  } finally {
    view.close();
  }
}
