/**
 * Strategy: random pipelines over random documents of a small world, run by us and by mingo.
 * Fields are always there and of one type, arrays are never empty, what mingo makes of no
 * documents in `$count` and `$bucket` is left out, and results come in an
 * order that the pipeline asks for: there mingo is known to follow MongoDB.
 */
import fc from 'fast-check';
import { Aggregator } from 'mingo/aggregator';
import { Context } from 'mingo/core';
import * as accumulators from 'mingo/operators/accumulator';
import * as expressions from 'mingo/operators/expression';
import * as pipelines from 'mingo/operators/pipeline';
import * as queries from 'mingo/operators/query';
import { expect, test } from 'vitest';
import { aggregate } from '#jdbx/query/aggregate.js';
import { MemorySource } from './support.js';

const document = fc.record({
  g: fc.constantFrom('x', 'y', 'z'),
  n: fc.integer({ min: 0, max: 6 }),
  f: fc.integer({ min: -8, max: 8 }).map((eighths) => eighths / 8),
  tags: fc.array(fc.constantFrom('p', 'q', 'r'), { minLength: 1, maxLength: 3 }),
});
const numeric = fc.constantFrom('$n', '$f');
const number = fc.oneof(
  numeric,
  fc.integer({ min: 1, max: 5 }),
  fc.tuple(numeric, numeric).map((operands) => ({ $add: operands })),
  fc.tuple(numeric, fc.integer({ min: 1, max: 4 })).map((operands) => ({ $multiply: operands })),
  fc.tuple(numeric, numeric).map((operands) => ({ $subtract: operands })),
  fc.tuple(numeric, numeric).map((operands) => ({ $max: operands })),
  numeric.map((operand) => ({ $abs: operand })),
  numeric.map((operand) => ({ $floor: operand })),
);
const truth = fc.oneof(
  fc
    .tuple(fc.constantFrom('$gt', '$gte', '$lt', '$eq', '$ne'), number, number)
    .map(([name, left, right]) => ({ [name]: [left, right] })),
  fc.constant({ $in: ['$g', ['x', 'y']] }),
);
const value = fc.oneof(
  number,
  truth,
  fc.tuple(truth, number, number).map(([test, yes, no]) => ({ $cond: [test, yes, no] })),
  fc.constantFrom(
    '$g',
    { $concat: ['$g', '-', '$g'] },
    { $toUpper: '$g' },
    { $size: '$tags' },
    { $arrayElemAt: ['$tags', 0] },
    { $filter: { input: '$tags', cond: { $ne: ['$$this', 'p'] } } },
    { $map: { input: '$tags', as: 't', in: { $concat: ['$$t', '$g'] } } },
    { $reduce: { input: '$tags', initialValue: '', in: { $concat: ['$$value', '$$this'] } } },
    { $slice: ['$tags', 2] },
    { $reverseArray: '$tags' },
  ),
);
const condition = fc.oneof(
  fc.record({ n: fc.record({ $gte: fc.integer({ min: 0, max: 6 }) }) }),
  fc.record({ tags: fc.constantFrom('p', 'q') }),
  truth.map(($expr) => ({ $expr })),
  fc.constant({ g: { $in: ['x', 'z'] } }),
);
const shaping = fc.oneof(
  fc.record({ $match: condition }),
  fc.record({
    $set: fc.dictionary(fc.constantFrom('u', 'v'), value, { minKeys: 1, noNullPrototype: true }),
  }),
  fc.constant({ $unwind: '$tags' }).map((stage) => stage),
);
const ending = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('$g', '$n', null, { $mod: ['$n', 2] }),
      fc.dictionary(
        fc.constantFrom('a', 'b', 'c'),
        fc.oneof(
          fc
            .tuple(
              fc.constantFrom('$sum', '$min', '$max', '$avg', '$first', '$last', '$push'),
              number,
            )
            .map(([name, operand]) => ({ [name]: operand })),
          fc.constant({ $sum: 1 }),
        ),
        { noNullPrototype: true },
      ),
    )
    .map(([_id, outputs]) => [{ $group: { _id, ...outputs } }, { $sort: { _id: 1 } }]),
  fc.constant([{ $sort: { n: 1, f: -1 } }, { $skip: 1 }, { $limit: 5 }]),
  fc.constant([{ $project: { g: 1, sum: { $add: ['$n', '$f'] } } }]),
  fc.constant([{ $project: { tags: 0, f: 0 } }]),
  fc.constant([{ $replaceWith: { g: '$g', n: '$n' } }]),
);
const pipeline = fc
  .tuple(fc.array(shaping, { maxLength: 3 }), ending)
  .filter(([stages]) => stages.filter((stage) => '$unwind' in stage).length <= 1)
  .filter(([stages]) => !unwindsFirst(stages))
  .map(([stages, last]) => [...stages, ...last]);

/** Behind `$unwind` the tags are no array any more. */
function unwindsFirst(stages: readonly object[]): boolean {
  const at = stages.findIndex((stage) => '$unwind' in stage);
  return at >= 0 && stages.slice(at + 1).some((stage) => JSON.stringify(stage).includes('$tags'));
}

const context = Context.init({
  accumulator: accumulators,
  expression: expressions,
  pipeline: pipelines,
  query: queries,
} as never);

function byMingo(documents: readonly object[], stages: readonly object[]): unknown[] {
  const options = { context, scriptEnabled: false, processingMode: 0 };
  return new Aggregator(stages as never, options as never).run(structuredClone(documents) as never);
}

/** Floating sums may be rounded another way: eighths are exact, and averages are cut. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, each) =>
    typeof each === 'number' ? Math.round(each * 1e9) / 1e9 : each,
  );
}

test('a pipeline answers as mingo does where mingo is right', () => {
  fc.assert(
    fc.property(fc.array(document, { maxLength: 12 }), pipeline, (bodies, stages) => {
      const source = new MemorySource();
      const documents = bodies.map((each, at) => ({
        _id: `d${String(at).padStart(2, '0')}`,
        _type: 't',
        ...each,
      }));
      for (const each of documents) source.put(each);
      const mine = [...aggregate([{ $match: { _type: 't' } }, ...stages], { source, now: 0 })];
      expect(rounded(mine)).toEqual(rounded(byMingo(documents, stages)));
    }),
    { seed: 33, numRuns: 1_000 },
  );
});
