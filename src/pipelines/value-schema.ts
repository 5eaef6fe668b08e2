import type { ValidateFunction } from 'ajv';
import { LRUCache } from 'lru-cache';
import { contentHash } from '../base/canonical.js';
import { describeThrown, type ErrorCode, JdbxError } from '../base/errors.js';
import { takeValue, type Value } from '../base/values.js';
import { compileJsonSchema, pathOfFault } from '../documents/json-schema.js';

/** Answers and arguments come one at a time; what they are checked by recurs. */
const compiled = new LRUCache<string, ValidateFunction>({ max: 200 });

/** @throws {JdbxError} INVALID_PIPELINE when it is no JSON Schema (2020-12, or draft 7 where it says so) */
export function checkValueSchema(schema: unknown, path: string): void {
  try {
    compile(schema as Value);
  } catch (cause) {
    throw new JdbxError('INVALID_PIPELINE', `expected a JSON Schema: ${describeThrown(cause)}`, {
      path,
      cause,
    });
  }
}

/**
 * Checks a value that comes from outside by a JSON Schema.
 *
 * @throws {JdbxError} `code`, with the path of the first fault within the value
 */
export function checkValue(value: Value, schema: Value, code: ErrorCode, what: string): void {
  const test = compile(schema);
  if (test(value)) return;
  const error = test.errors?.[0];
  throw new JdbxError(code, `expected ${what}: it ${error?.message ?? 'is refused'}`, {
    path: pathOfFault(error) || undefined,
  });
}

function compile(schema: Value): ValidateFunction {
  const hash = contentHash(takeValue(schema));
  const known = compiled.get(hash);
  if (known) return known;
  const test = compileJsonSchema(schema);
  compiled.set(hash, test);
  return test;
}
