import { isPlainObject } from '../base/values.js';
import type { ModelSettings } from './contract.js';

/**
 * The tokens that a request sets aside for thinking, in the words of Anthropic's API and of
 * Bedrock's models of that maker: `thinking: { type: "enabled", budget_tokens }`. They are a part
 * of the answer's bound. 0 where it says none.
 */
export function thinkingTokens({ thinking }: ModelSettings): number {
  if (!isPlainObject(thinking) || thinking.type !== 'enabled') return 0;
  const { budget_tokens: tokens } = thinking;
  return typeof tokens === 'number' && tokens > 0 ? tokens : 0;
}
