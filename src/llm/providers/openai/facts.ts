import { isPlainObject } from '../../../base/values.js';
import type { Finish, ModelUsage, ProviderCall } from '../../contract.js';
import { responseError } from '../../transport/read-answer.js';
import { isCount, readTokens } from '../answer-facts.js';

const FINISH = new Map<unknown, Finish>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool'],
  ['function_call', 'tool'],
  ['content_filter', 'filter'],
]);

export function finishOf(reason: unknown): Finish {
  return FINISH.get(reason) ?? 'other';
}

/** https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage */
export function usageOf(usage: unknown): ModelUsage {
  if (!isPlainObject(usage)) return {};
  const cached = detail(usage.prompt_tokens_details, 'cached_tokens');
  const reasoning = detail(usage.completion_tokens_details, 'reasoning_tokens');
  return {
    ...readTokens(usage, 'prompt_tokens', 'completion_tokens'),
    ...(cached ? { cached_tokens: cached } : {}),
    ...(reasoning ? { reasoning_tokens: reasoning } : {}),
  };
}

function detail(details: unknown, name: string): number | undefined {
  const count = isPlainObject(details) ? details[name] : undefined;
  return isCount(count) ? count : undefined;
}

export function lacks(call: ProviderCall, path: string) {
  return responseError(`${call.integration._id}: expected ${path} in the answer, got none`);
}
