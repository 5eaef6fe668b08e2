import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, type ValueObject } from '../base/values.js';
import type { ModelRequest, ModelTool, ResponseSchema, ToolChoice } from './contract.js';

/** Names that every provider takes. */
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const CHOICES = ['auto', 'none', 'required'] as const;

type ToolParts = Pick<ModelRequest, 'tools' | 'tool_choice' | 'response_schema'>;

/**
 * The tools and the schema that a request names.
 *
 * @throws {JdbxError} MISSING_INPUT with the path of what is of another shape
 */
export function readToolParts(source: Record<string, unknown>): ToolParts {
  const { tools, tool_choice, response_schema } = source;
  return {
    ...(tools === undefined ? {} : { tools: readTools(tools) }),
    ...(tool_choice === undefined ? {} : { tool_choice: readChoice(tool_choice) }),
    ...(response_schema === undefined ? {} : { response_schema: readSchema(response_schema) }),
  };
}

function readTools(list: unknown): ModelTool[] {
  if (!Array.isArray(list)) return fail('tools', `expected an array, got ${describeType(list)}`);
  const tools = list.map((item, index) => readTool(item, `tools.${index}`));
  const twice = tools.find(
    ({ name }, index) => tools.findIndex((one) => one.name === name) < index,
  );
  return twice ? fail('tools', `expected each name once, got "${twice.name}" twice`) : tools;
}

function readTool(item: unknown, path: string): ModelTool {
  if (!isPlainObject(item)) return fail(path, `expected a tool, got ${describeType(item)}`);
  const { name, description, parameters = { type: 'object', properties: {} } } = item;
  if (typeof name !== 'string' || !TOOL_NAME.test(name)) {
    return fail(`${path}.name`, 'expected 1 to 64 letters, digits, _ or -');
  }
  if (description !== undefined && typeof description !== 'string') {
    return fail(`${path}.description`, `expected a string, got ${describeType(description)}`);
  }
  if (!isPlainObject(parameters)) {
    return fail(`${path}.parameters`, `expected a JSON Schema, got ${describeType(parameters)}`);
  }
  return {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: parameters as ValueObject,
  };
}

function readChoice(choice: unknown): ToolChoice {
  const word = CHOICES.find((known) => known === choice);
  if (word) return word;
  if (isPlainObject(choice) && typeof choice.name === 'string') return { name: choice.name };
  return fail('tool_choice', `expected ${CHOICES.join(', ')} or { name }`);
}

/** A JSON Schema, or `{ name, schema }`. @throws {JdbxError} MISSING_INPUT */
export function readSchema(source: unknown): ResponseSchema {
  if (!isPlainObject(source)) {
    return fail('response_schema', `expected a JSON Schema, got ${describeType(source)}`);
  }
  const isNamed = Object.keys(source).every((key) => key === 'name' || key === 'schema');
  const { name, schema } =
    isNamed && 'schema' in source ? source : { name: undefined, schema: source };
  if (!isPlainObject(schema)) {
    return fail('response_schema.schema', `expected a JSON Schema, got ${describeType(schema)}`);
  }
  if (name !== undefined && (typeof name !== 'string' || !TOOL_NAME.test(name))) {
    return fail('response_schema.name', 'expected 1 to 64 letters, digits, _ or -');
  }
  return { ...(name === undefined ? {} : { name }), schema: schema as ValueObject };
}

function fail(path: string, text: string): never {
  throw new JdbxError('MISSING_INPUT', text, { path });
}
