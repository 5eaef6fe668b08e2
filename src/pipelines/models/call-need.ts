import { answerTokensOf } from '../../llm/budgets/purse.js';
import { inputTokens, loadTokenCounter, tokenCounter } from '../../llm/budgets/token-counter.js';
import { partsOf } from '../../llm/content.js';
import type { ModelRequest } from '../../llm/contract.js';
import type { PoolNeed } from '../../llm/pools/abilities.js';

/** What a target has to take to be asked. The tokens are estimated, where somebody asks for them. */
export async function needOf(request: ModelRequest): Promise<PoolNeed> {
  const { tools, response_schema, messages } = request;
  const count = tokenCounter() ?? (await loadTokenCounter());
  const media = messages.flatMap(({ content }) => partsOf(content)).map(({ type }) => `${type}s`);
  const features = [
    ...(tools === undefined || tools.length === 0 ? [] : ['tools']),
    ...(response_schema === undefined ? [] : ['schema']),
    ...['images', 'files'].filter((kind) => media.includes(kind)),
  ];
  let tokens: number | undefined;
  return {
    features,
    get tokens() {
      tokens ??= inputTokens(request, count) + answerTokensOf(request);
      return tokens;
    },
  };
}
