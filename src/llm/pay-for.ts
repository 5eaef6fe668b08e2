import { JdbxError } from '../base/errors.js';
import { LinkedSignal } from '../base/linked-signal.js';
import { answerTokensOf, chargeFor, isUntold, type Purse } from './budgets/purse.js';
import { inputTokens, loadTokenCounter, tokenCounter } from './budgets/token-counter.js';
import type { CallListeners } from './calling.js';
import type {
  ModelAttempt,
  ModelCallResult,
  ModelRequest,
  Price,
  ProviderCall,
} from './contract.js';

export interface PaidCall {
  readonly call: ProviderCall;
  readonly price: Price | undefined;
  readonly purse: Purse;
  /** It answers without a provider: its requests stay as they are. */
  readonly isLocal: boolean;
  readonly listeners: CallListeners;
}

type Make = (call: ProviderCall, listeners: CallListeners) => Promise<ModelCallResult>;

/**
 * Makes a call within a budget: what it may cost is set aside first, the answer is cut to
 * what can be paid for, and what it came to is told, however it ended.
 *
 * @throws {JdbxError} BUDGET_EXCEEDED, PRICE_MISSING, and what the call throws
 */
export async function payFor(paid: PaidCall, make: Make): Promise<ModelCallResult> {
  const { call, price, purse, isLocal, listeners } = paid;
  const { request, integration } = call;
  const asked = answerTokensOf(request, integration);
  const input_tokens = inputTokens(request, tokenCounter() ?? (await loadTokenCounter()));
  const unpriced = price === undefined && !isLocal;
  const grant = await purse.reserve({ input_tokens, output_tokens: asked, price, unpriced });
  const attempts: ModelAttempt[] = [];
  const onAttempt = (attempt: ModelAttempt) => {
    attempts.push(attempt);
    const { cost_usd: at_most_usd } = grant.amounts;
    const isOpen = at_most_usd !== undefined && isUntold(attempt);
    listeners.onAttempt?.(isOpen ? { ...attempt, at_most_usd } : attempt);
  };
  const cutRequest = isLocal ? request : cut(request, grant.output_tokens);
  const bounded = cutRequest === request ? call : { ...call, request: cutRequest };
  const { onEvent, mayRetry } = listeners;
  const told = { onAttempt, onEvent, mayRetry };
  try {
    if (grant.time_ms === undefined) return await make(bounded, told);
    return await cutOff(bounded, grant.time_ms, (timed) => make(timed, told));
  } finally {
    grant.spent(chargeFor(attempts, grant.amounts));
  }
}

/** The request itself where it asks for no more: it is hashed already. */
function cut(request: ModelRequest, max_tokens: number): ModelRequest {
  if (request.settings.max_tokens === max_tokens) return request;
  return { ...request, settings: { ...request.settings, max_tokens } };
}

async function cutOff<T>(
  call: ProviderCall,
  time_ms: number,
  work: (call: ProviderCall) => Promise<T>,
): Promise<T> {
  const linked = new LinkedSignal().follow(call.signal);
  const late = new JdbxError(
    'BUDGET_EXCEEDED',
    `expected an answer within the ${time_ms} ms left`,
    {
      details: { measure: 'time_ms', left: time_ms },
    },
  );
  const timer = setTimeout(() => linked.abort(late), time_ms);
  try {
    return await work({ ...call, signal: linked.signal });
  } finally {
    clearTimeout(timer);
    linked.release();
  }
}
