import type { Value, ValueObject } from '../base/values.js';

/**
 * The provider contract: a neutral request in, a neutral response out. A
 * provider translates and sends one attempt; retries, credentials, accounting
 * and the audit are the caller's.
 */
export interface Provider {
  /** The name that an integration document's `provider` field uses. */
  readonly name: string;
  /**
   * True when it answers without the network: it then needs neither a
   * credential nor a model name, and goes by its own name as the model.
   */
  readonly local?: boolean;
  /**
   * Makes one attempt.
   *
   * @throws {JdbxError} MODEL_RATE_LIMITED, MODEL_REFUSED, MODEL_UNAVAILABLE, MODEL_TIMEOUT,
   * MODEL_RESPONSE, RECORDING_MISSING, or the abort reason of `call.signal`. Details carry
   * `{ status, retryAfterMs }` where the provider gave them.
   */
  generate(call: ProviderCall): Promise<ModelResponse>;
}

export interface ProviderCall {
  readonly request: ModelRequest;
  readonly integration: Integration;
  /** The secret, when the integration names a credential. It must not leave the transport. */
  readonly secret?: string | undefined;
  /** Equal for every attempt of one logical call; sent as `Idempotency-Key`. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly ModelMessage[];
  /** Passages that an `extractive` provider quotes from; others get them inside the messages. */
  readonly context?: readonly string[] | undefined;
  /** Finds a recorded call by name instead of by the request's hash. */
  readonly key?: string | undefined;
  readonly settings: ModelSettings;
}

export interface ModelMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Sampling settings under the names that documents use; others are passed through to the provider. */
export interface ModelSettings {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly max_tokens?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly [other: string]: Value | undefined;
}

export interface ModelResponse {
  readonly text: string;
  /** The model that answered, as the provider names it. */
  readonly model: string;
  readonly finish: 'stop' | 'length' | 'tool' | 'filter' | 'other';
  readonly usage: ModelUsage;
  /** What only this provider says, e.g. `{ extractive: true, passages: [...] }`. */
  readonly extra?: ValueObject | undefined;
}

/** Tokens as the provider reported them; absent where it reported none. */
export interface ModelUsage {
  readonly input_tokens?: number | undefined;
  readonly output_tokens?: number | undefined;
}

/** An integration document (`integration`, `llm_integration` or `llm_provider`). */
export interface Integration {
  readonly _id: string;
  readonly _type: string;
  readonly _rev: number;
  /** `openai` (any compatible endpoint), `anthropic`, `recorded` or `extractive`. Default: `name` in lower case. */
  readonly provider?: string;
  readonly name?: string;
  /** The URL that requests go to. Default: the provider's own. */
  readonly endpoint?: string;
  readonly model?: string;
  readonly models?: readonly string[];
  /** `bearer` or `none`; Anthropic always uses its own header. Default `bearer` when a credential is named. */
  readonly auth_type?: string;
  readonly credentials_ref?: string;
  readonly params?: ValueObject;
  readonly headers?: { readonly [name: string]: string };
  /** Milliseconds for one attempt. Default 60,000. */
  readonly timeout_ms?: number;
  readonly retry_strategy?: RetryStrategy;
  readonly price?: Price;
  /** `recorded` only: wait as long as the recorded call took. Default false. */
  readonly replay_latency?: boolean;
}

/** US dollars for a million tokens. */
export interface Price {
  readonly input_per_million: number;
  readonly output_per_million: number;
}

export interface RetryStrategy {
  /** Attempts after the first. Default 2. */
  readonly max_retries?: number;
  readonly backoff?: 'exponential' | 'constant';
  /** The first wait, in milliseconds. Default 500; doubled each time when exponential. */
  readonly delay_ms?: number;
  /** The longest wait, `Retry-After` included, in milliseconds. Default 30,000. */
  readonly max_delay_ms?: number;
  /** HTTP statuses to retry. Default 408, 429, 500, 502, 503, 504, 529. */
  readonly retry_on?: readonly number[];
}

/** One attempt of a call, as the audit trail keeps it. Holds no secret. */
export interface ModelAttempt {
  readonly attempt: number;
  readonly integration: string;
  readonly integration_rev: number;
  readonly provider: string;
  /** The model that answered; where none did, the one that was asked for. */
  readonly model: string;
  readonly request: ValueObject;
  readonly request_hash: string;
  readonly response?: ValueObject;
  readonly error?: { readonly code: string; readonly message: string };
  readonly usage: ModelUsage;
  /** US dollars; absent where the integration has no price or the provider reported no usage. */
  readonly cost_usd?: number;
  readonly started_at: number;
  readonly latency_ms: number;
}

/** What the model caller hands back: the answer, and every attempt that led to it. */
export interface ModelCallResult {
  readonly response: ModelResponse;
  readonly attempts: readonly ModelAttempt[];
  readonly cost_usd?: number;
}
