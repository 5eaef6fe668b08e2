import { Aggregator } from 'mingo/aggregator';
import { JdbxError } from '../base/errors.js';
import { checkPipeline, type PipelineStage } from './check-pipeline.js';
import type { Query, QuerySource } from './contract.js';
import { run } from './execute.js';
import { expressionError } from './expression.js';
import { bindNow, makeOptions } from './mingo-operators.js';
import { plan } from './plan.js';
import { AGGREGATE_CONTEXT } from './stages.js';

export interface AggregateOptions {
  readonly source: QuerySource;
  /** What `$$NOW` is, in milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Runs an aggregation pipeline over the documents of a snapshot. Its leading
 * `$match`, `$sort`, `$skip` and `$limit` become a plan, so they use indexes.
 * `$lookup`, `$unionWith` and `$graphLookup` name a type where MongoDB has a collection.
 *
 * The pipeline is checked at once; documents are read as results are taken.
 *
 * @throws {JdbxError} INVALID_EXPRESSION at `pipeline.N…`, INVALID_FILTER
 */
export function aggregate(
  pipeline: unknown,
  { source, now }: AggregateOptions,
): Generator<unknown, void> {
  checkPipeline(pipeline);
  const { query, rest } = splitLeading(bindNow(pipeline, now));
  const planned = plan(query, source);
  const documents = rest[0] && '$documents' in rest[0] ? [] : run(planned, source);
  return stream(rest, documents, typeReader(source));
}

/** Runs stages over documents that are at hand, such as the one that an update changes. */
export function runStages(
  stages: readonly PipelineStage[],
  documents: Iterable<unknown>,
  now: number,
): unknown[] {
  const none = (name: string): never => {
    throw new JdbxError(
      'INVALID_EXPRESSION',
      `no other documents can be read here, such as "${name}"`,
    );
  };
  return [...stream(bindNow(stages, now), documents, none)];
}

function* stream(
  stages: readonly PipelineStage[],
  documents: Iterable<unknown>,
  collectionResolver: (type: string) => Record<string, unknown>[],
): Generator<unknown, void> {
  try {
    if (stages.length === 0) return yield* documents;
    const options = makeOptions(AGGREGATE_CONTEXT, { collectionResolver });
    yield* iterate(new Aggregator([...stages], options).stream(documents));
  } catch (error) {
    throw expressionError(error);
  } finally {
    (documents as Partial<Generator>).return?.(undefined);
  }
}

function* iterate(results: {
  next(): { done?: boolean; value?: unknown };
}): Generator<unknown, void> {
  for (let result = results.next(); !result.done; result = results.next()) yield result.value;
}

/** The stages that a plan takes over, in the only order in which they mean the same. */
function splitLeading(pipeline: readonly PipelineStage[]): {
  query: Query;
  rest: readonly PipelineStage[];
} {
  let at = 0;
  const take = (name: string) => {
    const stage = pipeline[at];
    if (!stage || !Object.hasOwn(stage, name)) return undefined;
    at++;
    return stage[name];
  };
  const filters: unknown[] = [];
  for (let filter = take('$match'); filter !== undefined; filter = take('$match'))
    filters.push(filter);
  const sort = take('$sort');
  const skip = take('$skip') as number | undefined;
  const limit = take('$limit') as number | undefined;
  const filter = filters.length > 1 ? { $and: filters } : (filters[0] ?? {});
  return { query: { filter, sort, skip, limit }, rest: pipeline.slice(at) };
}

/** The documents of a type, read once however often a pipeline names it. */
function typeReader(source: QuerySource): (type: string) => Record<string, unknown>[] {
  const read = new Map<string, Record<string, unknown>[]>();
  return (type) => {
    let documents = read.get(type);
    if (!documents) {
      documents = [...run(plan({ filter: { _type: type } }, source), source)];
      read.set(type, documents);
    }
    return documents;
  };
}
