import type { Clock } from '../base/clock.js';
import { describeThrown, isJdbxError, JdbxError } from '../base/errors.js';
import { takeValue, type ValueObject } from '../base/values.js';
import type {
  ModelAttempt,
  ModelCallResult,
  ModelRequest,
  ModelResponse,
  Provider,
  ProviderCall,
} from './contract.js';
import { costOf, sumCosts } from './cost.js';
import type { Providers } from './create-providers.js';
import { resolveSecret } from './credentials.js';
import { type ReadIntegration, readIntegration } from './integration.js';
import { type Redact, redactError, redactor } from './redact.js';
import { requestHash } from './request-hash.js';
import { withRetries } from './retry.js';
import { realSleep, type Sleep } from './sleep.js';

export interface ModelCallerDeps {
  readonly providers: Providers;
  /** Finds a credential document by its `_id`. */
  readonly credentials: (ref: string) => Promise<unknown>;
  readonly env: { readonly [name: string]: string | undefined };
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()` gives; it spreads the waits between attempts. */
  readonly random: () => number;
  readonly sleep?: Sleep;
}

export interface ModelCallInput {
  /** The integration document. */
  readonly integration: unknown;
  /** An empty `model` means the integration's own; settings are final. */
  readonly request: ModelRequest;
  /** Equal for every call that stands for the same effect, also after a crash. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  /** Told each attempt as it ends, also one that was aborted. */
  readonly onAttempt?: ((attempt: ModelAttempt) => void) | undefined;
}

export interface ModelCaller {
  /**
   * Calls a model: resolves provider and secret, makes attempts until one
   * succeeds or the integration's retries are used up, and accounts for each.
   * The secret is in nothing that comes out.
   *
   * @throws {JdbxError} INVALID_INTEGRATION, CREDENTIAL_MISSING; or the last attempt's error
   * (see `Provider.generate`), its `details.attempts` being the list of all `ModelAttempt`s; or
   * the abort reason of `signal`
   */
  call(input: ModelCallInput): Promise<ModelCallResult>;
}

export function createModelCaller(deps: ModelCallerDeps): ModelCaller {
  return {
    call: async (input) => {
      const integration = readIntegration(input.integration, deps.providers);
      const provider = deps.providers.get(integration.provider) as Provider;
      const secret = provider.local ? undefined : await findSecret(integration, deps);
      const request = completeRequest(input.request, integration, provider);
      const { idempotencyKey, signal } = input;
      const call = { request, integration, secret, idempotencyKey, signal };
      return new Calling(provider, call, deps, input.onAttempt).run();
    },
  };
}

async function findSecret(
  integration: ReadIntegration,
  { credentials, env }: ModelCallerDeps,
): Promise<string | undefined> {
  const { credentials_ref: ref, auth_type } = integration;
  if (ref === undefined || auth_type === 'none') return undefined;
  return resolveSecret(await credentials(ref), ref, env);
}

/** A frozen copy with the model filled in, so that every attempt sends the same request. */
function completeRequest(
  request: ModelRequest,
  integration: ReadIntegration,
  provider: Provider,
): ModelRequest {
  const named = request.model || integration.model || integration.models?.[0];
  const model = named || (provider.local ? provider.name : undefined);
  if (model === undefined) {
    const text = `expected a model in ${integration._id} or in the request, got none`;
    throw new JdbxError('INVALID_INTEGRATION', text, { path: 'model' });
  }
  return takeValue({ ...request, model }) as unknown as ModelRequest;
}

/** One logical call while it is under way. */
class Calling {
  readonly #provider: Provider;
  readonly #call: ProviderCall;
  readonly #deps: ModelCallerDeps;
  readonly #onAttempt: (attempt: ModelAttempt) => void;
  readonly #redact: Redact;
  readonly #hash: string;
  readonly #attempts: ModelAttempt[] = [];

  constructor(
    provider: Provider,
    call: ProviderCall,
    deps: ModelCallerDeps,
    onAttempt: (attempt: ModelAttempt) => void = () => {},
  ) {
    this.#provider = provider;
    this.#call = call;
    this.#deps = deps;
    this.#onAttempt = onAttempt;
    this.#redact = redactor(call.secret === undefined ? [] : [call.secret]);
    this.#hash = requestHash(call.request);
  }

  async run(): Promise<ModelCallResult> {
    const { integration, signal } = this.#call;
    const { random, sleep = realSleep } = this.#deps;
    const options = { strategy: integration.retry_strategy, signal, sleep, random };
    try {
      return this.#result(await withRetries((number) => this.#attempt(number), options));
    } catch (error) {
      throw this.#withAttempts(error);
    }
  }

  async #attempt(number: number): Promise<ModelResponse> {
    const startedAt = this.#deps.clock.now();
    const outcome = await this.#generate();
    this.#record(number, startedAt, outcome);
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.response;
  }

  /** An abort reason belongs to whoever aborted and stays as it is; every other error is redacted. */
  async #generate(): Promise<Outcome> {
    try {
      const answer = await this.#provider.generate(this.#call);
      return { response: takeValue(this.#redact(answer)) as unknown as ModelResponse };
    } catch (error) {
      const { aborted, reason } = this.#call.signal;
      return { thrown: aborted ? reason : redactError(error, this.#redact) };
    }
  }

  #record(number: number, startedAt: number, outcome: Outcome): void {
    const { integration, request } = this.#call;
    const attempt: ModelAttempt = {
      attempt: number,
      integration: integration._id,
      integration_rev: integration._rev,
      provider: this.#provider.name,
      request: this.#redact(request) as unknown as ValueObject,
      request_hash: this.#hash,
      ...('thrown' in outcome ? this.#failure(outcome.thrown) : this.#success(outcome.response)),
      started_at: startedAt,
      // A wall clock may be set back while a call is under way.
      latency_ms: Math.max(0, this.#deps.clock.now() - startedAt),
    };
    this.#attempts.push(attempt);
    this.#onAttempt(attempt);
  }

  #success(response: ModelResponse): OutcomeFacts {
    const { model, usage } = response;
    const cost = costOf(usage, this.#call.integration.price);
    const answer = response as unknown as ValueObject;
    return { model, response: answer, usage, ...(cost === undefined ? {} : { cost_usd: cost }) };
  }

  #failure(error: unknown): OutcomeFacts {
    const name = error instanceof Error ? error.name : 'Error';
    const code = isJdbxError(error) ? error.code : name;
    const message = this.#redact(describeThrown(error));
    return { model: this.#call.request.model, error: { code, message }, usage: {} };
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

type Outcome = { readonly response: ModelResponse } | { readonly thrown: unknown };
type OutcomeFacts = Pick<ModelAttempt, 'model' | 'response' | 'error' | 'usage' | 'cost_usd'>;
