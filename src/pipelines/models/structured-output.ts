import { describeThrown, JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';
import type { Finish, ModelRequest, ResponseSchema } from '../../llm/contract.js';
import { parseCleanJson } from '../../llm/transport/clean-json.js';
import { checkValue } from '../value-schema.js';

/** Models that were only told of a schema like to put their JSON into a fenced block. */
const FENCED = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/;

/**
 * What an answer says, read by the schema that was asked for: whatever the provider
 * promised of it, it is checked here.
 *
 * @throws {JdbxError} MODEL_OUTPUT with the path of the first fault within the answer
 */
export function readOutput(text: string, finish: Finish, { schema }: ResponseSchema): Value {
  const value = parse(FENCED.exec(text)?.[1] ?? text, finish);
  checkValue(value, schema, 'MODEL_OUTPUT', 'an answer that fits the response schema');
  return value;
}

function parse(text: string, finish: Finish): Value {
  try {
    return parseCleanJson(text);
  } catch (cause) {
    const why = finish === 'stop' ? '' : ` (the answer ended with "${finish}")`;
    const found = text.trim() === '' ? 'nothing' : describeThrown(cause);
    throw new JdbxError('MODEL_OUTPUT', `expected an answer in JSON, got ${found}${why}`, {
      cause,
    });
  }
}

/** The request that tells the model what is wrong with its answer. */
export function withFault(request: ModelRequest, text: string, error: JdbxError): ModelRequest {
  const content = `${error.message}\nAnswer again, with the JSON alone, corrected.`;
  return {
    ...request,
    messages: [
      ...request.messages,
      // No provider takes an empty message.
      ...(text === '' ? [] : [{ role: 'assistant' as const, content: text }]),
      { role: 'user', content },
    ],
  };
}
