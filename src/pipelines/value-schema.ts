import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { LRUCache } from 'lru-cache';
import { contentHash } from '../base/canonical.js';
import { describeThrown, type ErrorCode, JdbxError } from '../base/errors.js';
import { takeValue, type Value } from '../base/values.js';

/** Answers and arguments come one at a time; what they are checked by recurs. */
const compiled = new LRUCache<string, ValidateFunction>({ max: 200 });

/** @throws {JdbxError} INVALID_PIPELINE when it is no JSON Schema (draft 2020-12) */
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
    path: pathOf(error) || undefined,
  });
}

function compile(schema: Value): ValidateFunction {
  const hash = contentHash(takeValue(schema));
  const known = compiled.get(hash);
  if (known) return known;
  // The validator notes things in the schema that it is given; ours is frozen.
  const test = new Ajv2020({ strict: false, validateFormats: false }).compile(
    structuredClone(schema) as object,
  );
  compiled.set(hash, test);
  return test;
}

/** From a JSON Pointer, with the property that is missing or not allowed, to our way of writing paths. */
function pathOf(error: ErrorObject | undefined): string {
  const { missingProperty, additionalProperty } = (error?.params ?? {}) as Record<string, unknown>;
  const parts = (error?.instancePath ?? '').split('/').slice(1);
  const last = missingProperty ?? additionalProperty;
  return [...parts, ...(last === undefined ? [] : [String(last)])].join('.');
}
