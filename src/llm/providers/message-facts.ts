/** What Anthropic's messages and Bedrock's Converse, which grew out of them, say alike. */
import type { Finish, ModelUsage } from '../contract.js';
import { countsOf, isCount } from './answer-facts.js';

/** Counts as they came, under whatever names. */
export interface CountsApart {
  readonly input: unknown;
  readonly output: unknown;
  readonly cached: unknown;
  readonly written: unknown;
  /** Of that, what is to be kept for an hour. */
  readonly writtenForAnHour: unknown;
}

/**
 * Input that was cached is counted apart there; here it is a part of the input
 * (https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching).
 */
export function usageWithCached(counts: CountsApart): ModelUsage {
  const { input, output } = counts;
  const [read, wrote] = [countOf(counts.cached), countOf(counts.written)];
  return {
    ...(isCount(input) ? { input_tokens: input + read + wrote } : {}),
    ...(isCount(output) ? { output_tokens: output } : {}),
    ...countsOf({
      cached_tokens: read,
      cache_write_tokens: wrote,
      cache_write_1h_tokens: counts.writtenForAnHour,
    }),
  };
}

function countOf(value: unknown): number {
  return isCount(value) ? value : 0;
}

/**
 * https://docs.anthropic.com/en/api/handling-stop-reasons and
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
const FINISH = new Map<unknown, Finish>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool'],
  ['refusal', 'filter'],
  ['guardrail_intervened', 'filter'],
  ['content_filtered', 'filter'],
]);

export function finishOf(reason: unknown): Finish {
  return FINISH.get(reason) ?? 'other';
}
