import { isPlainObject, type ValueObject } from '../../../base/values.js';
import { readToolCall } from '../../answer-builder.js';
import type {
  ModelRequest,
  ModelResponse,
  ModelUsage,
  ProviderCall,
  ToolCall,
} from '../../contract.js';
import { type Answer, responseError } from '../../transport/read-answer.js';
import { finishOf, usageWithCached } from '../message-facts.js';
import { keptOf } from '../reasoning-kept.js';

/** @throws {JdbxError} MODEL_RESPONSE when there is no message */
export function readConverse(answer: Answer, call: ProviderCall): ModelResponse {
  const { output, stopReason, usage } = answer.body;
  const message = isPlainObject(output) ? output.message : undefined;
  if (!isPlainObject(message) || !Array.isArray(message.content)) {
    throw responseError(`${call.integration._id}: expected output.message in the answer, got none`);
  }
  const blocks = message.content.filter(isPlainObject);
  const calls = blocks.flatMap(toCall);
  const reasoning = blocks.map(thoughtIn).join('');
  return {
    text: blocks.map(({ text }) => (typeof text === 'string' ? text : '')).join(''),
    model: call.request.model,
    finish: finishOf(stopReason),
    usage: usageOf(usage),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...keptOf(scopeOf(call), blocks, (block) => ({
      characters: typeof block.text === 'string' ? block.text.length : 0,
      calls: isPlainObject(block.toolUse) ? 1 : 0,
      data: isPlainObject(block.reasoningContent) ? (block as ValueObject) : undefined,
    })),
    extra: { ...ignoredOf(call.request), ...idOf(answer.requestId), ...reported(usage) },
  };
}

function toCall({ toolUse }: Record<string, unknown>): ToolCall[] {
  if (!isPlainObject(toolUse)) return [];
  const { toolUseId, name, input = {} } = toolUse;
  return [readToolCall({ id: String(toolUseId), name: String(name), json: JSON.stringify(input) })];
}

/**
 * The text and its signature go back unmodified
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningTextBlock.html),
 * to models of the same maker: `us.anthropic.claude-…` and `anthropic.claude-…` are.
 */
export function scopeOf({ request }: ProviderCall): string {
  return `bedrock@${request.model.split('.').at(-2) ?? request.model}`;
}

function thoughtIn({ reasoningContent: told }: Record<string, unknown>): string {
  const inner = isPlainObject(told) ? told.reasoningText : undefined;
  return isPlainObject(inner) && typeof inner.text === 'string' ? inner.text : '';
}

/** What the API does not take, named in `extra`. */
export function ignoredOf({ settings, response_schema }: ModelRequest): ValueObject {
  const names = [
    ...(settings.seed === undefined ? [] : ['seed']),
    ...(response_schema === undefined ? [] : ['response_schema']),
  ];
  return names.length === 0 ? {} : { ignored_settings: names };
}

export function idOf(requestId: string | undefined): ValueObject {
  return requestId === undefined ? {} : { request_id: requestId };
}

export function reported(usage: unknown): ValueObject {
  return isPlainObject(usage) ? { usage: usage as ValueObject } : {};
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html */
export function usageOf(usage: unknown): ModelUsage {
  if (!isPlainObject(usage)) return {};
  return usageWithCached({
    input: usage.inputTokens,
    output: usage.outputTokens,
    cached: usage.cacheReadInputTokens,
    written: usage.cacheWriteInputTokens,
    writtenForAnHour: writtenFor('1h', usage.cacheDetails),
  });
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CacheDetail.html */
function writtenFor(ttl: string, details: unknown): unknown {
  const list = Array.isArray(details) ? details.filter(isPlainObject) : [];
  return list.find((detail) => detail.ttl === ttl)?.inputTokens;
}
