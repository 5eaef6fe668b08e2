import { isPlainObject, type ValueObject } from '../../base/values.js';
import type { ModelUsage } from '../contract.js';
import type { Answer } from '../transport/read-answer.js';

/**
 * What an HTTP provider's response keeps in `extra`: its names for the answer
 * and the request, and the usage as reported.
 */
export function answerFacts({ body, requestId }: Answer): ValueObject {
  return {
    ...(typeof body.id === 'string' ? { id: body.id } : {}),
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(isPlainObject(body.usage) ? { usage: body.usage as ValueObject } : {}),
  };
}

/** Token counts under the names that a provider uses; what is no count is left out. */
export function readTokens(usage: unknown, input: string, output: string): ModelUsage {
  if (!isPlainObject(usage)) return {};
  return {
    ...(isCount(usage[input]) ? { input_tokens: usage[input] } : {}),
    ...(isCount(usage[output]) ? { output_tokens: usage[output] } : {}),
  };
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
