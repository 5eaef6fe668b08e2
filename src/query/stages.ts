import { type Iterator, Lazy } from 'mingo/lazy';
import * as stages from 'mingo/operators/pipeline';
import * as projections from 'mingo/operators/projection';
import * as queries from 'mingo/operators/query';
import * as windows from 'mingo/operators/window';
import type { Options } from 'mingo/types';
import { JdbxError } from '../base/errors.js';
import { compileFilter } from './filter.js';
import { compileNode } from './match.js';
import {
  evaluateFor,
  type MingoOperator,
  type MingoOperators,
  makeContext,
  operatorsOf,
} from './mingo-operators.js';
import { parseFilter } from './parse-filter.js';
import { compareFields, readSort, sortableMaker } from './sort.js';
import { thaw } from './thaw.js';

type Stage = (input: Iterator, operand: never, options: Options) => Iterator;
type Document = Record<string, unknown>;

const MINGO = operatorsOf(stages);

/** These change nested objects of their input in place, which stored documents do not allow. */
const CHANGING = ['$addFields', '$set', '$project', '$unset', '$fill', '$densify'];

const changing = Object.fromEntries(
  CHANGING.filter((name) => name in MINGO).map((name) => {
    const stage = MINGO[name] as unknown as Stage;
    return [
      name,
      (input: Iterator, operand: never, options: Options) =>
        stage(input.map(thaw), operand, options),
    ];
  }),
);

/** Filters are ours; `options` carries the variables that `$lookup` binds for `$expr`. */
const match = (
  input: Iterator,
  filter: unknown,
  options: Options & { local?: { variables?: object } },
) => {
  const variables = options.local?.variables;
  const test =
    variables && Object.keys(variables).length > 0
      ? compileNode(parseFilter(filter), (expression, document) =>
          evaluateFor(document, expression, options),
        )
      : compileFilter(filter);
  return input.filter(test);
};

/** Ties keep their order, as a stable sort does. */
const sort = (input: Iterator, operand: unknown) => {
  const order = readSort(operand);
  if (!order) throw new JdbxError('INVALID_EXPRESSION', 'expected paths to sort by, got none');
  const fields = order.byId
    ? [...order.fields, { path: '_id', direction: order.idDirection }]
    : order.fields;
  const full = { ...order, fields };
  return input.transform((documents) =>
    Lazy(
      documents
        .map(sortableMaker(full))
        .sort(compareFields(full))
        .map((item) => item.document),
    ),
  );
};

/** With a granularity mingo does not end on values that are negative or not finite. */
const bucketAuto = (input: Iterator, operand: Document, options: Options) => {
  const checked =
    operand.granularity === undefined
      ? input
      : input.map((document) => {
          const value = evaluateFor(document, operand.groupBy, options);
          if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return document;
          throw new JdbxError(
            'INVALID_EXPRESSION',
            `expected numbers from 0 with a granularity, got ${String(value)}`,
          );
        });
  return (MINGO.$bucketAuto as unknown as Stage)(checked, operand as never, options);
};

/** A document that is pruned as a whole is gone; mingo leaves a gap. */
const redact = (input: Iterator, operand: never, options: Options) =>
  (MINGO.$redact as unknown as Stage)(input, operand, options).filter(
    (document) => document !== undefined,
  );

/**
 * mingo builds this stage on its own `$function`, with functions of its own. A
 * body that comes as data is text, which is never run.
 */
const setWindowFields = (
  input: Iterator,
  operand: never,
  options: Options & { options?: Options },
) =>
  (MINGO.$setWindowFields as unknown as Stage)(input.map(thaw), operand, {
    ...(options.options ?? options),
    scriptEnabled: true,
  });

const { $out: _out, $merge: _merge, ...readOnly } = MINGO;

/** Every stage there is: mingo's, less those that write, with ours in place of some. */
export const STAGES: MingoOperators = {
  ...readOnly,
  ...(changing as Record<string, MingoOperator>),
  $match: match as MingoOperator,
  $sort: sort as MingoOperator,
  $bucketAuto: bucketAuto as MingoOperator,
  $redact: redact as MingoOperator,
  $setWindowFields: setWindowFields as MingoOperator,
};

export const AGGREGATE_CONTEXT = makeContext({
  pipeline: STAGES,
  projection: operatorsOf(projections),
  query: operatorsOf(queries),
  window: operatorsOf(windows),
});
