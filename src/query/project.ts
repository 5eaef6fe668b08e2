import { $project } from 'mingo/operators/pipeline';
import * as projections from 'mingo/operators/projection';
import * as queries from 'mingo/operators/query';
import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, type ValueObject } from '../base/values.js';
import { checkExpression } from './check-expression.js';
import type { DocumentBody } from './contract.js';
import { compileFilter } from './filter.js';
import { type MingoOperator, makeContext, makeOptions, operatorsOf } from './mingo-operators.js';
import { ownValue, splitPath } from './paths.js';
import { projectMatched } from './project-matched.js';
import { thaw } from './thaw.js';

export type Project = (document: DocumentBody) => ValueObject;

/** The first element that the filter of `$elemMatch` matches, by our filters. */
function firstElement(document: unknown, filter: unknown, path: string): unknown {
  const array = splitPath(path).reduce(ownValue, document);
  if (!Array.isArray(array)) return undefined;
  const test = compileFilter({ list: { $elemMatch: filter } });
  const found = array.find((item) => test({ list: [item] }));
  return found === undefined ? undefined : [found];
}

const OPTIONS = makeOptions(
  makeContext({
    projection: { ...operatorsOf(projections), $elemMatch: firstElement as MingoOperator },
    query: operatorsOf(queries),
  }),
);

/**
 * Compiles a projection: what to include, or what to leave out, with `$slice`,
 * `$elemMatch` and expressions. `_id` comes along unless it is left out.
 *
 * @param filter the query's filter, for the position that `array.$` names
 * @returns undefined when nothing is asked for
 * @throws {JdbxError} INVALID_FILTER at `projection.<path>`
 */
export function readProjection(projection: unknown, filter: unknown): Project | undefined {
  if (projection === undefined || projection === null) return undefined;
  if (!isPlainObject(projection)) refuse('', 'an object of paths', describeType(projection));
  if (Object.keys(projection).length === 0) return undefined;
  checkProjection(projection);
  return projectMatched(projection, filter, compileProjection);
}

/** mingo changes nested objects in place when it leaves a path out, so it gets a copy then. */
function compileProjection(projection: Record<string, unknown>): Project {
  const handler = mingoHandler(thaw(projection));
  const changes = Object.entries(projection).some(
    ([path, value]) => (isOff(value) && splitPath(path).length > 1) || isPlainObject(value),
  );
  return (document) => project(handler, changes ? thaw(document) : document);
}

function project(handler: (document: unknown) => unknown, document: unknown): ValueObject {
  try {
    return handler(document) as ValueObject;
  } catch (cause) {
    throw new JdbxError('INVALID_FILTER', (cause as Error).message, { path: 'projection', cause });
  }
}

/** mingo compiles a projection to a function that it maps over a collection; we keep the function. */
function mingoHandler(projection: Record<string, unknown>): (document: unknown) => unknown {
  let handler: ((document: unknown) => unknown) | undefined;
  const collection = {
    map: (found: (document: unknown) => unknown) => {
      handler = found;
      return collection;
    },
  };
  try {
    $project(collection as never, projection, OPTIONS);
  } catch (cause) {
    throw new JdbxError('INVALID_FILTER', (cause as Error).message, { path: 'projection', cause });
  }
  return handler as (document: unknown) => unknown;
}

function checkProjection(projection: Record<string, unknown>): void {
  const modes = new Set<string>();
  for (const [path, value] of Object.entries(projection)) {
    if (path === '' || path.startsWith('$') || splitPath(path).includes('')) {
      refuse(path, 'a path', JSON.stringify(path));
    }
    const mode = modeOf(value, path);
    if (mode !== undefined && path !== '_id') modes.add(mode);
    if (modes.size > 1) refuse(path, 'paths to include or paths to leave out', 'both');
  }
}

/** `$slice` goes with either kind. */
function modeOf(value: unknown, path: string): 'include' | 'exclude' | undefined {
  if (value === undefined) refuse(path, '1 or 0', 'undefined');
  if (isOff(value)) return 'exclude';
  if (!isPlainObject(value)) return 'include';
  const operator = Object.keys(value)[0];
  if (operator === '$slice') return undefined;
  if (operator?.startsWith('$') && operator !== '$elemMatch') checkOperator(value, path);
  return operator?.startsWith('$') ? 'include' : undefined;
}

function checkOperator(value: Record<string, unknown>, path: string): void {
  try {
    checkExpression(value);
  } catch (cause) {
    const { message } = cause as Error;
    throw new JdbxError('INVALID_FILTER', message, { path: `projection.${path}`, cause });
  }
}

function isOff(value: unknown): boolean {
  return value === 0 || value === false;
}

function refuse(path: string, expected: string, got: string): never {
  const place = path === '' ? 'projection' : `projection.${path}`;
  throw new JdbxError('INVALID_FILTER', `expected ${expected}, got ${got}`, { path: place });
}
