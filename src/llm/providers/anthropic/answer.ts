import { isPlainObject, type ValueObject } from '../../../base/values.js';
import { readToolCall } from '../../answer-builder.js';
import type {
  ModelRequest,
  ModelResponse,
  ModelUsage,
  ProviderCall,
  ToolCall,
} from '../../contract.js';
import { thinkingTokens } from '../../thinking-tokens.js';
import { type Answer, responseError } from '../../transport/read-answer.js';
import { answerFacts, countsOf, detailIn } from '../answer-facts.js';
import { finishOf, usageWithCached } from '../message-facts.js';
import { keptOf, scopeOfHost } from '../reasoning-kept.js';

/** @throws {JdbxError} MODEL_RESPONSE when there is no content */
export function readMessagesAnswer(answer: Answer, call: ProviderCall): ModelResponse {
  const { content, model, stop_reason, usage } = answer.body;
  if (!Array.isArray(content)) {
    throw responseError(`${call.integration._id}: expected content in the answer, got none`);
  }
  const reasoning = joined(content, 'thinking', 'thinking');
  const calls = content.flatMap(toCall);
  return {
    text: joined(content, 'text', 'text'),
    model: typeof model === 'string' ? model : call.request.model,
    finish: finishOf(stop_reason),
    usage: usageOf(usage),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...keptOf(scopeOf(call), content.filter(isPlainObject), (block) => ({
      characters: block.type === 'text' ? String(block.text).length : 0,
      calls: block.type === 'tool_use' ? 1 : 0,
      data: isThought(block) ? block : undefined,
    })),
    extra: { ...answerFacts(answer), ...ignoredOf(call.request) },
  };
}

export const scopeOf = (call: ProviderCall) => scopeOfHost('anthropic', call);

/**
 * These have to come back as they were, in their places; a signature proves them
 * (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks).
 */
export function isThought(block: Record<string, unknown>): block is ValueObject {
  return block.type === 'thinking' || block.type === 'redacted_thinking';
}

/** The text of the blocks of one type; other blocks hold none of the answer. */
function joined(content: readonly unknown[], type: string, field: string): string {
  return content
    .map((block) => (isPlainObject(block) && block.type === type ? block[field] : ''))
    .filter((text) => typeof text === 'string')
    .join('');
}

function toCall(block: unknown, index: number): ToolCall[] {
  if (!isPlainObject(block) || block.type !== 'tool_use' || typeof block.name !== 'string')
    return [];
  const id = typeof block.id === 'string' ? block.id : `call_${index}`;
  return [readToolCall({ id, name: block.name, json: JSON.stringify(block.input ?? {}) })];
}

/** What the API does not take, named in `extra`. */
export function ignoredOf({ settings }: ModelRequest): ValueObject {
  const { max_tokens = Number.POSITIVE_INFINITY } = settings;
  const thought = thinkingTokens(settings);
  const names = [
    ...(settings.seed === undefined ? [] : ['seed']),
    ...(thought > 0 && thought >= max_tokens ? ['thinking'] : []),
  ];
  return names.length === 0 ? {} : { ignored_settings: names };
}

/** https://docs.anthropic.com/en/api/messages#response-usage */
export function usageOf(usage: unknown): ModelUsage {
  if (!isPlainObject(usage)) return {};
  return {
    ...usageWithCached({
      input: usage.input_tokens,
      output: usage.output_tokens,
      cached: usage.cache_read_input_tokens,
      written: usage.cache_creation_input_tokens,
      writtenForAnHour: detailIn(usage.cache_creation, 'ephemeral_1h_input_tokens'),
    }),
    ...countsOf({
      reasoning_tokens: detailIn(usage.output_tokens_details, 'thinking_tokens'),
      web_searches: detailIn(usage.server_tool_use, 'web_search_requests'),
    }),
  };
}
