import type { Clock } from '../base/clock.js';
import { describeThrown, type ErrorCode, isJdbxError, JdbxError } from '../base/errors.js';
import { roomyObject } from '../base/roomy-object.js';
import { takeValue, type ValueObject } from '../base/values.js';
import type {
  ModelAttempt,
  ModelCallResult,
  ModelEvent,
  ModelResponse,
  Price,
  Provider,
  ProviderCall,
} from './contract.js';
import { generateStreamed } from './generate-streamed.js';
import { costOf, sumCosts, unpricedIn } from './prices/cost.js';
import { type Redact, redactError, redactorFor } from './redact.js';
import { withRetries } from './retry.js';
import { realSleep, type Sleep } from './sleep.js';

export interface CallingDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sleep?: Sleep | undefined;
}

export interface CallListeners {
  readonly onAttempt?: ((attempt: ModelAttempt) => void) | undefined;
  readonly onEvent?: ((event: ModelEvent, attempt: number) => void) | undefined;
  readonly mayRetry?: (() => boolean) | undefined;
}

/** A call that is ended because its time is over was too slow: that is its provider's. */
const LATE: readonly ErrorCode[] = ['STAGE_TIMEOUT', 'RUN_DEADLINE', 'BUDGET_EXCEEDED'];

/** What is to be asked of whom, and who is told. */
export interface Ask {
  readonly provider: Provider;
  readonly call: ProviderCall;
  /** Of the request. */
  readonly hash: string;
  /** What the model costs, where that is known. */
  readonly price: Price | undefined;
  readonly deps: CallingDeps;
  readonly listeners: CallListeners;
}

/** One logical call while it is under way. */
export class Calling {
  readonly #provider: Provider;
  readonly #call: ProviderCall;
  readonly #hash: string;
  readonly #price: Price | undefined;
  readonly #deps: CallingDeps;
  readonly #listeners: CallListeners;
  readonly #redact: Redact;
  readonly #attempts: ModelAttempt[] = [];

  constructor({ provider, call, hash, price, deps, listeners }: Ask) {
    this.#provider = provider;
    this.#call = call;
    this.#hash = hash;
    this.#price = price;
    this.#deps = deps;
    this.#listeners = listeners;
    this.#redact = redactorFor(call.secret);
  }

  run(): Promise<ModelCallResult> {
    const { integration, signal } = this.#call;
    const { random, sleep = realSleep } = this.#deps;
    const { mayRetry } = this.#listeners;
    const options = { strategy: integration.retry_strategy, signal, sleep, random, mayRetry };
    return withRetries((number) => this.#attempt(number), options).then(
      (response) => this.#result(response),
      (error) => {
        throw this.#withAttempts(error);
      },
    );
  }

  async #attempt(number: number): Promise<ModelResponse> {
    const startedAt = this.#deps.clock.now();
    let response: ModelResponse;
    try {
      const answer = await this.#answer(number);
      response = takeValue(this.#redact(answer)) as unknown as ModelResponse;
    } catch (error) {
      const thrown = this.#cleaned(error);
      this.#record(number, startedAt, this.#failure(thrown));
      throw thrown;
    }
    this.#record(number, startedAt, this.#success(response));
    return response;
  }

  /** An abort reason belongs to whoever aborted and stays as it is; every other error is redacted. */
  #cleaned(error: unknown): unknown {
    const { aborted, reason } = this.#call.signal;
    return aborted ? reason : redactError(error, this.#redact);
  }

  #answer(number: number): Promise<ModelResponse> {
    const { onEvent } = this.#listeners;
    if (!onEvent) return this.#provider.generate(this.#call);
    return generateStreamed(this.#provider, this.#call, (event) => onEvent(event, number));
  }

  #record(number: number, startedAt: number, outcome: OutcomeFacts): void {
    const { integration, request } = this.#call;
    // Not spread, which is slow for so many properties.
    const attempt = roomyObject(ATTEMPT_FIELDS) as Written<ModelAttempt>;
    attempt.attempt = number;
    attempt.integration = integration._id;
    attempt.integration_rev = integration._rev;
    attempt.provider = this.#provider.name;
    attempt.request = this.#redact(request) as unknown as ValueObject;
    attempt.request_hash = this.#hash;
    attempt.started_at = startedAt;
    // A wall clock may be set back while a call is under way.
    attempt.latency_ms = Math.max(0, this.#deps.clock.now() - startedAt);
    Object.assign(attempt, outcome);
    this.#attempts.push(attempt);
    this.#listeners.onAttempt?.(attempt);
  }

  #success(response: ModelResponse): OutcomeFacts {
    const { model, usage } = response;
    const facts: Written<OutcomeFacts> = {
      model,
      response: response as unknown as ValueObject,
      usage,
    };
    const cost = costOf(usage, this.#price);
    if (cost !== undefined) facts.cost_usd = cost;
    const unpriced = unpricedIn(usage, this.#price);
    if (unpriced.length > 0) facts.unpriced = unpriced;
    return facts;
  }

  #failure(error: unknown): OutcomeFacts {
    const name = error instanceof Error ? error.name : 'Error';
    const code = isJdbxError(error) ? error.code : name;
    const message = this.#redact(describeThrown(error));
    const status = isJdbxError(error) ? error.details?.status : undefined;
    const unsent = isJdbxError(error) && error.details?.unsent === true;
    const told = typeof status === 'number' ? { status } : unsent ? { unsent } : {};
    const { model } = this.#call.request;
    const cancelled = this.#call.signal.aborted && !isJdbxError(error, ...LATE);
    const whose = cancelled ? { cancelled } : {};
    return { model, error: { code, message, ...told }, ...whose, usage: {} };
  }

  #result(response: ModelResponse): ModelCallResult {
    const cost = sumCosts(this.#attempts.map(({ cost_usd }) => cost_usd));
    return {
      response,
      attempts: this.#attempts,
      ...(cost === undefined ? {} : { cost_usd: cost }),
    };
  }

  #withAttempts(error: unknown): unknown {
    if (!isJdbxError(error) || this.#call.signal.aborted) return error;
    const { code, path, operation, cause } = error;
    const details = { ...error.details, attempts: this.#attempts };
    const whole = new JdbxError(code, '', { path, operation, cause, details });
    whole.message = error.message;
    if (error.stack !== undefined) whole.stack = error.stack;
    return whole;
  }
}

/** As many as one may have. */
const ATTEMPT_FIELDS = 16;

/** While it is written. */
type Written<T> = { -readonly [K in keyof T]: T[K] };
type OutcomeFacts = Pick<
  ModelAttempt,
  'model' | 'response' | 'error' | 'cancelled' | 'usage' | 'cost_usd' | 'unpriced'
>;
