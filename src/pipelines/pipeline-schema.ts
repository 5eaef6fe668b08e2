import { readFileSync } from 'node:fs';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, type ValueObject } from '../base/values.js';
import { compileJsonSchema, pointerNames } from '../documents/json-schema.js';

/** What the package publishes for editors is what documents are checked against. */
const FILE = new URL('../../src/pipelines/pipeline.schema.json', import.meta.url);

let read: ValueObject | undefined;
let compiled: ValidateFunction | undefined;

/** The JSON Schema of pipeline documents (draft 2020-12). */
export function pipelineSchema(): ValueObject {
  read ??= JSON.parse(readFileSync(FILE, 'utf8')) as ValueObject;
  return read;
}

/**
 * Checks the shape of a pipeline document: its fields, their types and bounds.
 *
 * @throws {JdbxError} INVALID_PIPELINE, with the path
 */
export function checkShape(document: object): void {
  // Compiled at the first pipeline: a store that has none does not pay for it.
  // A test checks the schema itself, which takes as long again.
  compiled ??= compileJsonSchema(pipelineSchema(), { verbose: true, validateSchema: false });
  if (compiled(document)) return;
  const { path, text } = faultIn(compiled.errors ?? []);
  throw new JdbxError('INVALID_PIPELINE', text, { path });
}

interface Fault {
  readonly path: string;
  readonly text: string;
}

/** The validator ends a list of alternatives that failed with the one that held them. */
function faultIn(errors: readonly ErrorObject[]): Fault {
  const name = errors.find(({ propertyName }) => propertyName !== undefined);
  if (name) return misnamed(name);
  const error = errors.at(-1) as ErrorObject;
  const { keyword, params } = error;
  const at = pathOf(error);
  if (keyword === 'required' || keyword === 'dependentRequired') {
    return { path: join(at, params.missingProperty), text: 'expected a value, got nothing' };
  }
  if (keyword === 'additionalProperties') return unknownField(error, at);
  if (keyword === 'oneOf' || keyword === 'not') return alternatives(error, at);
  return { path: at, text: expected(error) };
}

function misnamed({ propertyName, keyword, params, schema, parentSchema, ...at }: ErrorObject) {
  const path = join(pathOf(at), propertyName);
  const known = keyword === 'enum' ? `one of ${params.allowedValues.join(', ')}` : undefined;
  return {
    path,
    text: `expected ${known ?? parentSchema?.description ?? `the pattern ${schema}`}`,
  };
}

function unknownField({ params, parentSchema }: ErrorObject, at: string): Fault {
  const names = Object.keys((parentSchema?.properties ?? {}) as object).join(', ');
  return { path: join(at, params.additionalProperty), text: `expected one of ${names}` };
}

/** Fields of which an object has one: those that it has are said. */
function alternatives({ parentSchema, data }: ErrorObject, path: string): Fault {
  const names = namesIn(parentSchema?.oneOf);
  const got = names.filter((name) => isPlainObject(data) && data[name] !== undefined);
  const text = `expected one of ${names.join(', ')}, got ${got.join(' and ') || 'none'}`;
  return { path, text };
}

function namesIn(alternatives: unknown): string[] {
  if (!Array.isArray(alternatives)) return [];
  return alternatives.flatMap(({ required, anyOf }) => required ?? namesIn(anyOf));
}

function expected({ keyword, params, parentSchema, data, message }: ErrorObject): string {
  const { description, enum: values, minimum, maximum } = parentSchema as ValueObject;
  const got = typeof data === 'number' ? String(data) : describeType(data);
  if (keyword === 'enum') return `expected ${(values as string[]).join(' or ')}, got ${got}`;
  if (minimum !== undefined) {
    return `expected a whole number from ${minimum} to ${maximum} (${description}), got ${got}`;
  }
  if (keyword === 'maxItems') return `expected at most ${params.limit} items`;
  return description ? `expected ${description}, got ${got}` : `it ${message}, got ${got}`;
}

/** A JSON Pointer in our way of writing paths. */
function pathOf({ instancePath }: Pick<ErrorObject, 'instancePath'>): string {
  return pointerNames(instancePath).join('.');
}

function join(path: string, name: unknown): string {
  return path === '' ? String(name) : `${path}.${name}`;
}
