import { createHash } from 'node:crypto';
import { isPlainObject, type Value, type ValueObject } from '../base/values.js';
import type { ModelRequest, ModelResponse, Provider, ProviderCall } from '../llm/contract.js';

/** Milliseconds that an answer takes, so that a kill may come meanwhile. */
const ANSWER_MS = 2;

/**
 * Stands in the place of a provider: writes each call down before it answers, and answers the
 * same to the same. The first time it is offered tools it calls each of them once.
 *
 * @param note takes the idempotency key, and a hash of the request
 */
export function standIn(name: string, note: (key: string, hash: string) => void): Provider {
  return {
    name,
    local: true,
    async generate({ request, idempotencyKey, signal }: ProviderCall): Promise<ModelResponse> {
      note(idempotencyKey, hashOf(request));
      await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
      signal.throwIfAborted();
      return answerTo(request, name);
    },
  };
}

function answerTo(request: ModelRequest, model: string): ModelResponse {
  const usage = { input_tokens: 7, output_tokens: 3 };
  const { tools = [], messages, response_schema } = request;
  const hasCalled = messages.some(({ role }) => role === 'tool');
  if (tools.length > 0 && !hasCalled) {
    const tool_calls = tools.map(({ name, parameters }, at) => ({
      id: `call-${at}`,
      name,
      arguments: sampleOf(parameters) as ValueObject,
    }));
    return { text: '', model, finish: 'tool', usage, tool_calls };
  }
  const text = response_schema
    ? JSON.stringify(sampleOf(response_schema.schema))
    : `answer ${hashOf(request).slice(0, 8)}`;
  return { text, model, finish: 'stop', usage };
}

function hashOf(request: ModelRequest): string {
  const { messages, tools = [], key = null } = request;
  return createHash('sha256')
    .update(JSON.stringify([messages, tools, key]))
    .digest('hex');
}

/** A value that fits a JSON Schema, as far as that says its types. */
export function sampleOf(schema: Value | undefined): Value {
  if (!isPlainObject(schema)) return 'sample';
  const { const: only, enum: several, default: usual, type, properties, items, required } = schema;
  if (only !== undefined) return only;
  if (Array.isArray(several)) return several[0] as Value;
  if (usual !== undefined) return usual;
  switch (Array.isArray(type) ? type[0] : type) {
    case 'number':
    case 'integer':
      return typeof schema.minimum === 'number' ? schema.minimum : 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return schema.minItems === undefined ? [] : [sampleOf(items as Value)];
    case 'string':
      return 'sample';
    default:
      return objectOf(properties as Value, Array.isArray(required) ? required : undefined);
  }
}

function objectOf(properties: Value | undefined, required: readonly Value[] | undefined): Value {
  if (!isPlainObject(properties)) return {};
  const names = required ?? Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, sampleOf(properties[String(name)])]));
}
