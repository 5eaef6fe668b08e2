import { JdbxError } from '../base/errors.js';
import type { ValueObject } from '../base/values.js';
import { checkPipeline, type PipelineStage } from './check-pipeline.js';
import type { Query, QuerySource } from './contract.js';
import { find as findAll, run } from './execute.js';
import { expressionError } from './expression.js';
import { isPlannable } from './index-definition.js';
import { plan } from './plan.js';
import { throughStages } from './run-stages.js';
import type { StageSetting } from './stages/stage.js';

export interface AggregateOptions {
  readonly source: QuerySource;
  /** What `$$NOW` is, in milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Runs an aggregation pipeline over the documents of a snapshot. Its leading
 * `$match`, `$sort`, `$skip` and `$limit` become a plan, so they use indexes.
 * A last `$out` or `$merge` is the caller's to take off (`splitOutput`) and to carry out.
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
  const { query, rest } = splitLeading(pipeline);
  const planned = plan(query, source);
  const documents = rest[0] && '$documents' in rest[0] ? [] : run(planned, source);
  return stream(rest, documents, { now, variables: {}, ...readers(source) });
}

/** Runs stages over documents that are at hand, such as the one that an update changes. */
export function runStages(
  stages: readonly PipelineStage[],
  documents: Iterable<unknown>,
  now: number,
  variables: Readonly<Record<string, unknown>> = {},
): unknown[] {
  const find = (type: string): never => {
    throw new JdbxError(
      'INVALID_EXPRESSION',
      `no other documents can be read here, such as "${type}"`,
    );
  };
  return [...stream(stages, documents, { now, variables, find, isIndexed: () => false })];
}

function* stream(
  stages: readonly PipelineStage[],
  documents: Iterable<unknown>,
  setting: StageSetting,
): Generator<unknown, void> {
  try {
    yield* throughStages(stages, documents, setting);
  } catch (error) {
    throw expressionError(error);
  } finally {
    (documents as Partial<Generator>).return?.(undefined);
  }
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

/** How stages read other types: all of one once however often it is named, others by a plan. */
function readers(source: QuerySource): Pick<StageSetting, 'find' | 'isIndexed'> {
  const read = new Map<string, readonly ValueObject[]>();
  const find = (type: string, filter: object) => {
    const all = Object.keys(filter).length === 0;
    const known = all ? read.get(type) : undefined;
    if (known) return known;
    const query = { filter: { _type: type, ...filter }, ...(all ? {} : { sort: { _id: 1 } }) };
    const found = findAll(plan(query, source), source);
    if (all) read.set(type, found);
    return found;
  };
  const leads = (type: string, path: string) =>
    source.indexesOf(type).some(({ definition }) => {
      const { fields, partial, sparse } = definition;
      const whole = partial === undefined && !sparse && isPlannable(definition);
      return whole && fields[0]?.path === path;
    });
  return {
    find,
    isIndexed: (type, path) => source.resolveTypes(type).every((each) => leads(each, path)),
  };
}
