import { isPlainObject, type ValueObject } from '../../../base/values.js';
import { readToolCall } from '../../answer-builder.js';
import type { Finish, ModelResponse, ModelUsage, ProviderCall, ToolCall } from '../../contract.js';
import { type Answer, responseError } from '../../transport/read-answer.js';
import { answerFacts, countsOf, detailIn, readTokens } from '../answer-facts.js';
import { keptOf, scopeOfKey } from '../reasoning-kept.js';
import { lacks } from './facts.js';

/** @throws {JdbxError} MODEL_RESPONSE when there is no output; MODEL_UNAVAILABLE when it says that it failed */
export function readResponse(answer: Answer, call: ProviderCall): ModelResponse {
  const { output, model } = answer.body;
  checkFailed(answer.body, call);
  if (!Array.isArray(output)) throw lacks(call, 'output');
  const items = output.filter(isPlainObject);
  const calls = items.flatMap(toCall);
  const reasoning = items.flatMap(summaryOf).join('\n');
  const refusal = textsOf(items, 'refusal', 'refusal');
  return {
    text: textsOf(items, 'output_text', 'text'),
    model: typeof model === 'string' ? model : call.request.model,
    finish: finishOf(answer.body, { hasCalls: calls.length > 0, isRefused: refusal !== '' }),
    usage: responsesUsage(answer.body),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...keptOf(scopeOf(call), items, (item) => ({
      characters: textsOf([item], 'output_text', 'text').length,
      calls: toCall(item).length,
      data: keptItem(item),
    })),
    extra: { ...answerFacts(answer), ...(refusal === '' ? {} : { refusal }) },
  };
}

/** Sealed for one organisation and model; others refuse the whole request. */
export const scopeOf = (call: ProviderCall) => scopeOfKey('openai-responses', call);

/**
 * A reasoning item, which goes back as it came
 * (https://platform.openai.com/docs/guides/reasoning#keeping-reasoning-items-in-context), but
 * for its `status`, which only answers have.
 */
export function keptItem({ status: _, ...item }: Record<string, unknown>): ValueObject | undefined {
  return item.type === 'reasoning' ? (item as ValueObject) : undefined;
}

/** An answer whose status is `failed` holds no output. @throws {JdbxError} MODEL_RESPONSE */
export function checkFailed({ status, error }: ValueObject, call: ProviderCall): void {
  if (status !== 'failed') return;
  const message = isPlainObject(error) ? String(error.message) : 'no reason given';
  throw responseError(`${call.integration._id}: expected an answer, got a failed one: ${message}`);
}

function textsOf(items: readonly Record<string, unknown>[], type: string, field: string): string {
  return items
    .flatMap(({ content }) => (Array.isArray(content) ? content : []))
    .map((part) => (isPlainObject(part) && part.type === type ? part[field] : ''))
    .join('');
}

/** A summary of it, where its text is sealed; models with open weights show the text itself. */
function summaryOf({ type, summary, content }: Record<string, unknown>): string[] {
  if (type !== 'reasoning') return [];
  const told = [summary, content].flatMap((list) => (Array.isArray(list) ? list : []));
  return told.flatMap((part) => (isPlainObject(part) ? [String(part.text)] : []));
}

function toCall({ type, call_id, name, arguments: json }: Record<string, unknown>): ToolCall[] {
  if (type !== 'function_call' || typeof name !== 'string' || typeof call_id !== 'string')
    return [];
  return [readToolCall({ id: call_id, name, json: typeof json === 'string' ? json : '' })];
}

/** https://platform.openai.com/docs/api-reference/responses/object */
export function finishOf(
  { status, incomplete_details: details }: ValueObject,
  { hasCalls, isRefused }: { readonly hasCalls: boolean; readonly isRefused: boolean },
): Finish {
  if (isRefused) return 'filter';
  if (status === 'incomplete') {
    const reason = isPlainObject(details) ? details.reason : undefined;
    if (reason === 'max_output_tokens') return 'length';
    return reason === 'content_filter' ? 'filter' : 'other';
  }
  if (hasCalls) return 'tool';
  return status === 'completed' ? 'stop' : 'other';
}

/** Searches are no tokens; each stands in the output as an item of its own. */
export function responsesUsage({ usage, output }: ValueObject): ModelUsage {
  if (!isPlainObject(usage)) return {};
  const { input_tokens_details: asked, output_tokens_details: answered } = usage;
  const items = Array.isArray(output) ? output.filter(isPlainObject) : [];
  return {
    ...readTokens(usage, 'input_tokens', 'output_tokens'),
    ...countsOf({
      cached_tokens: detailIn(asked, 'cached_tokens'),
      cache_write_tokens: detailIn(asked, 'cache_write_tokens'),
      reasoning_tokens: detailIn(answered, 'reasoning_tokens'),
      web_searches: items.filter(isWebSearch).length,
      file_searches: items.filter(({ type }) => type === 'file_search_call').length,
    }),
  };
}

/** Opening a page or looking through it is no search (https://platform.openai.com/docs/guides/tools-web-search). */
function isWebSearch({ type, action }: Record<string, unknown>): boolean {
  const other = isPlainObject(action) && action.type !== 'search';
  return type === 'web_search_call' && !other;
}
