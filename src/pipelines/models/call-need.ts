import { answerTokensOf } from '../../llm/budgets/purse.js';
import { inputTokens, loadTokenCounter, tokenCounter } from '../../llm/budgets/token-counter.js';
import { partsOf } from '../../llm/content.js';
import type { ModelRequest } from '../../llm/contract.js';
import type { PoolNeed } from '../../llm/pools/abilities.js';

/** What a target has to take to be asked. The tokens are estimated, where somebody asks for them. */
export function needOf(toRequest: () => ModelRequest): CallNeed | Promise<CallNeed> {
  // Who asks for tokens later has no time to wait.
  const isReady = tokenCounter() !== undefined;
  return isReady ? new CallNeed(toRequest) : loadTokenCounter().then(() => new CallNeed(toRequest));
}

/** Found out when it is first read: most targets take whatever comes. */
class CallNeed implements PoolNeed {
  readonly #toRequest: () => ModelRequest;
  #request: ModelRequest | undefined;
  #tokens: number | undefined;
  #features: readonly string[] | undefined;

  constructor(toRequest: () => ModelRequest) {
    this.#toRequest = toRequest;
  }

  get tokens(): number {
    this.#tokens ??= tokensOf(this.#asked);
    return this.#tokens;
  }

  get features(): readonly string[] {
    this.#features ??= featuresOf(this.#asked);
    return this.#features;
  }

  get #asked(): ModelRequest {
    this.#request ??= this.#toRequest();
    return this.#request;
  }
}

function tokensOf(request: ModelRequest): number {
  const count = tokenCounter();
  if (!count) throw new Error('the token counter is loaded before a need is made');
  return inputTokens(request, count) + answerTokensOf(request);
}

function featuresOf({ tools, response_schema, messages }: ModelRequest): string[] {
  const media = messages.flatMap(({ content }) => partsOf(content)).map(({ type }) => `${type}s`);
  return [
    ...(tools === undefined || tools.length === 0 ? [] : ['tools']),
    ...(response_schema === undefined ? [] : ['schema']),
    ...['images', 'files'].filter((kind) => media.includes(kind)),
  ];
}
