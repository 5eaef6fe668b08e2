import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Document } from '../base/document.js';
import { describeThrown, JdbxError } from '../base/errors.js';
import { isPlainObject } from '../base/values.js';

/** @throws {JdbxError} SCHEMA_VIOLATION */
export type SchemaCheck = (document: Document) => void;

/** `format` is left to the reader of the schema: what it asserts differs between validators. */
const OPTIONS = { strict: false, validateFormats: false } as const;

/**
 * The check that a schema document asks for: JSON Schema 2020-12, or draft 7 where its
 * `$schema` says so. https://json-schema.org/draft/2020-12/json-schema-validation
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
      path: pathOf(error),
      details: { id: document._id, schema: id },
    });
  };
}

function compile(schema: unknown): ValidateFunction {
  try {
    // The validator notes things in the schema that it is given; ours is frozen.
    return (isDraft7(schema) ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS)).compile(
      structuredClone(schema) as object,
    );
  } catch (cause) {
    throw new JdbxError('INVALID_DOCUMENT', `expected a JSON Schema: ${describeThrown(cause)}`, {
      path: 'schema',
      cause,
    });
  }
}

function isDraft7(schema: unknown): boolean {
  return isPlainObject(schema) && String(schema.$schema).includes('draft-07');
}

/** From a JSON Pointer, with the property that is missing or not allowed, to our way of writing paths. */
function pathOf(error: ErrorObject | undefined): string {
  const { missingProperty, additionalProperty } = (error?.params ?? {}) as Record<string, unknown>;
  const pointer = (error?.instancePath ?? '').split('/').slice(1);
  const parts = pointer.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = missingProperty ?? additionalProperty;
  return [...parts, ...(last === undefined ? [] : [String(last)])].join('.');
}
