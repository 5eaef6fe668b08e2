import type { ValidateFunction } from 'ajv';
import type { Document } from '../base/document.js';
import { describeThrown, JdbxError } from '../base/errors.js';
import { compileJsonSchema, pathOfFault } from './json-schema.js';

/** @throws {JdbxError} SCHEMA_VIOLATION */
export type SchemaCheck = (document: Document) => void;

/**
 * The check that a schema document asks for.
 *
 * @throws {JdbxError} INVALID_DOCUMENT when it is no JSON Schema
 */
export function compileSchema({ _id: id, schema }: Document): SchemaCheck {
  const test = compile(schema);
  return (document) => {
    const sound: boolean = test(document);
    if (sound) return;
    const error = test.errors?.[0];
    throw new JdbxError('SCHEMA_VIOLATION', `${error?.message ?? 'refused'} (${id})`, {
      path: pathOfFault(error),
      details: { id: document._id, schema: id },
    });
  };
}

function compile(schema: unknown): ValidateFunction {
  try {
    return compileJsonSchema(schema);
  } catch (cause) {
    throw new JdbxError('INVALID_DOCUMENT', `expected a JSON Schema: ${describeThrown(cause)}`, {
      path: 'schema',
      cause,
    });
  }
}
