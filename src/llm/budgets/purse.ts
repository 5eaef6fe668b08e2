import type { Integration, ModelAttempt, ModelRequest } from '../contract.js';
import { thinkingTokens } from '../thinking-tokens.js';
import type { Amounts } from './amounts.js';
import type { CallNeed, Grant } from './reserve.js';

/** What a call is paid from. */
export interface Purse {
  /**
   * Sets aside what the call may cost.
   *
   * @throws {JdbxError} BUDGET_EXCEEDED
   */
  reserve(need: CallNeed): Promise<Paid>;
}

export interface Paid extends Grant {
  /** Tells what the call came to; what was set aside is settled in the stage's commit. */
  spent(amounts: Amounts): void;
}

/** The longest answer where neither the request nor the integration names a bound, in tokens. */
const ANSWER_TOKENS_DEFAULT = 4_096;

/** The longest answer that a request asks for, thinking included, in tokens. */
export function answerTokensOf({ settings }: ModelRequest, integration?: Integration): number {
  const bound = settings.max_tokens ?? integration?.max_output_tokens;
  return bound ?? ANSWER_TOKENS_DEFAULT + thinkingTokens(settings);
}

/** Errors after which nothing was billed: the provider refused before it worked. */
const UNBILLED = new Set<string>(['MODEL_RATE_LIMITED', 'MODEL_REFUSED', 'RECORDING_MISSING']);

/**
 * What the attempts of one call came to. An attempt that may have been billed, but told not
 * all of its usage (it broke off, timed out, was cancelled), counts as what was set aside for it:
 * a budget errs on the side of being spent.
 */
export function chargeFor(attempts: readonly ModelAttempt[], reserved: Amounts): Amounts {
  // One that was cancelled before it went out was none.
  const sum = { tokens: 0, cost_usd: 0, time_ms: 0, calls: attempts.length === 0 ? 0 : 1 };
  for (const attempt of attempts) {
    const { tokens, cost_usd, time_ms } = attemptCharge(attempt, reserved);
    sum.tokens += tokens;
    sum.cost_usd += cost_usd;
    sum.time_ms += time_ms;
  }
  return sum;
}

function attemptCharge(attempt: ModelAttempt, reserved: Amounts): Required<Amounts> {
  const { cost_usd = 0, latency_ms: time_ms } = attempt;
  const { input_tokens = 0, output_tokens = 0 } = attempt.usage;
  const told = input_tokens + output_tokens;
  if (!isUntold(attempt)) return { tokens: told, cost_usd, time_ms, calls: 1 };
  // Half of the usage is told at least as far as it goes.
  const tokens = Math.max(reserved.tokens ?? 0, told);
  return { tokens, cost_usd: reserved.cost_usd ?? 0, time_ms, calls: 1 };
}

/** True where nobody knows what was billed: it may be all that was asked for. */
export function isUntold({ usage, error }: ModelAttempt): boolean {
  if (usage.input_tokens !== undefined && usage.output_tokens !== undefined) return false;
  // A success that could not be understood was an answer, and worked for.
  const isRefused = (error?.status ?? 200) >= 300;
  return error === undefined || !(UNBILLED.has(error.code) || isRefused || error.unsent);
}
