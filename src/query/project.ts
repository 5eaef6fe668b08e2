import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, type ValueObject } from '../base/values.js';
import { checkExpression } from './check-expression.js';
import type { Project } from './contract.js';
import { DocumentScope } from './expressions/scope.js';
import { EXPRESSION_OPERATORS } from './mingo-operators.js';
import { projectMatched } from './project-matched.js';
import { projectionOf } from './projection.js';
import { readProjectionEdit } from './projection-edits.js';

/**
 * Compiles a projection: what to include, or what to leave out, with `$slice`,
 * `$elemMatch` and expressions. `_id` comes along unless it is left out.
 *
 * @param filter the query's filter, for the position that `array.$` names
 * @returns undefined when nothing is asked for
 * @throws {JdbxError} INVALID_FILTER at `projection`
 */
export function readProjection(projection: unknown, filter: unknown): Project | undefined {
  if (projection === undefined || projection === null) return undefined;
  if (!isPlainObject(projection)) {
    const got = describeType(projection);
    throw refused(new Error(`expected an object of paths, got ${got}`));
  }
  if (Object.keys(projection).length === 0) return undefined;
  return projectMatched(projection, filter, compileProjection);
}

function compileProjection(projection: Record<string, unknown>): Project {
  const project = refusing(() => {
    checkExpressions(projection);
    return projectionOf(projection, 'projection', readProjectionEdit);
  });
  const setting = { operators: EXPRESSION_OPERATORS, now: Date.now() };
  return (document) =>
    refusing(() => project(document, new DocumentScope(document, {}, setting)) as ValueObject);
}

function checkExpressions(projection: Record<string, unknown>): void {
  for (const [path, value] of Object.entries(projection)) {
    const operator = isPlainObject(value) ? Object.keys(value)[0] : undefined;
    if (operator !== '$slice' && operator !== '$elemMatch')
      checkExpression(value, `projection.${path}`);
  }
}

function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw refused(cause as Error);
  }
}

/** The error of the projection's parts, at its place. */
function refused(cause: Error): JdbxError {
  const inner = cause instanceof JdbxError ? (cause.path ?? '') : '';
  const path = inner.startsWith('projection') ? inner : 'projection';
  const text = cause.message.replace(/^[A-Z_]+( at [^:]*)?: /, '');
  return new JdbxError('INVALID_FILTER', text, { path, cause });
}
