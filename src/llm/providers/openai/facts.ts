import { isPlainObject } from '../../../base/values.js';
import type { Finish, ModelUsage, ProviderCall } from '../../contract.js';
import { responseError } from '../../transport/read-answer.js';
import { countsOf, detailIn, readTokens } from '../answer-facts.js';

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

/**
 * https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage; some servers
 * tell what was cached beside the other counts
 * (https://api-docs.deepseek.com/api/create-chat-completion).
 */
export function usageOf(usage: unknown): ModelUsage {
  if (!isPlainObject(usage)) return {};
  const { prompt_tokens_details: asked, completion_tokens_details: answered } = usage;
  const beside = usage.cached_tokens ?? usage.prompt_cache_hit_tokens;
  const told = readTokens(usage, 'prompt_tokens', 'completion_tokens');
  if ((asked ?? answered ?? beside) === undefined) return told;
  return {
    ...told,
    ...countsOf({
      cached_tokens: detailIn(asked, 'cached_tokens') ?? beside,
      cache_write_tokens: detailIn(asked, 'cache_write_tokens'),
      input_audio_tokens: detailIn(asked, 'audio_tokens'),
      reasoning_tokens: detailIn(answered, 'reasoning_tokens'),
      output_audio_tokens: detailIn(answered, 'audio_tokens'),
    }),
  };
}

export function lacks(call: ProviderCall, path: string) {
  return responseError(`${call.integration._id}: expected ${path} in the answer, got none`);
}
