import { createRequire } from 'node:module';
import type { ErrorObject, Options, ValidateFunction } from 'ajv';
import { isPlainObject } from '../base/values.js';

const require = createRequire(import.meta.url);

/**
 * Compiles a JSON Schema: 2020-12, or draft 7 where its `$schema` says so. `format` is left to
 * the reader of the schema, since what it asserts differs between validators.
 * https://json-schema.org/draft/2020-12/json-schema-validation
 *
 * The validator is a hundred files, so it is read at the first schema: a store that has none does
 * not pay for it.
 *
 * @throws {Error} when it is no JSON Schema
 */
export function compileJsonSchema(schema: unknown, more: Options = {}): ValidateFunction {
  // What its optimizer takes out of the code it writes, the engine takes out as well: compiling
  // the schema of pipelines took 250 ms with it, 125 without.
  const options: Options = {
    strict: false,
    validateFormats: false,
    code: { optimize: false },
    ...more,
  };
  const validator = isDraft7(schema) ? draft7(options) : draft2020(options);
  // It notes things in the schema that it is given; ours is frozen.
  return validator.compile(structuredClone(schema) as object);
}

/**
 * Where a value departs from its schema: from a JSON Pointer, with the property that is missing
 * or not allowed, to our way of writing paths.
 */
export function pathOfFault(error: ErrorObject | undefined): string {
  const { missingProperty, additionalProperty } = (error?.params ?? {}) as Record<string, unknown>;
  const last = missingProperty ?? additionalProperty;
  const names = pointerNames(error?.instancePath ?? '');
  return [...names, ...(last === undefined ? [] : [String(last)])].join('.');
}

/** The names in a JSON Pointer. https://www.rfc-editor.org/rfc/rfc6901#section-4 */
export function pointerNames(pointer: string): string[] {
  const parts = pointer.split('/').slice(1);
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function isDraft7(schema: unknown): boolean {
  return isPlainObject(schema) && String(schema.$schema).includes('draft-07');
}

function draft7(options: Options) {
  const { Ajv } = require('ajv') as typeof import('ajv');
  return new Ajv(options);
}

function draft2020(options: Options) {
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  return new Ajv2020(options);
}
