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
  /**
   * Makes one attempt, and gives its answer in pieces. Leaving the loop early closes the connection.
   * Where both this and `tell` are absent, the whole answer of `generate` is one piece.
   *
   * @throws {JdbxError} as `generate`, also after pieces were given; a stream that ends without
   * `finish` is MODEL_UNAVAILABLE
   */
  stream?(call: ProviderCall): AsyncIterable<ModelEvent>;
  /**
   * As `stream`, and used instead of it: hands each piece on from the event that brought it, which
   * costs less than a promise for each. What `take` throws ends the attempt, and is thrown again.
   */
  tell?(call: ProviderCall, take: (event: ModelEvent) => void): Promise<void>;
}

export interface ProviderCall {
  readonly request: ModelRequest;
  readonly integration: Integration;
  /** The secret, when the integration names a credential. It must not leave the transport. */
  readonly secret?: string | undefined;
  /** Equal for every attempt of one logical call; sent as `Idempotency-Key`. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  /** Told when an answer says that no more calls will be taken for so many milliseconds. */
  readonly onUsedUp?: ((ms: number) => void) | undefined;
}

export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly ModelMessage[];
  /** Passages that an `extractive` provider quotes from; others get them inside the messages. */
  readonly context?: readonly string[] | undefined;
  /** Finds a recorded call by name instead of by the request's hash. */
  readonly key?: string | undefined;
  readonly settings: ModelSettings;
  readonly tools?: readonly ModelTool[] | undefined;
  readonly tool_choice?: ToolChoice | undefined;
  readonly response_schema?: ResponseSchema | undefined;
}

/** One message of the talk. A system message stands before all others. */
export type ModelMessage = SaidMessage | AnswerMessage | ToolMessage;

export interface SaidMessage {
  readonly role: 'system' | 'user';
  readonly content: Content;
}

/** What the model said, and the tools that it called. */
export interface AnswerMessage {
  readonly role: 'assistant';
  /** Empty only beside tool calls. */
  readonly content: Content;
  readonly tool_calls?: readonly ToolCall[] | undefined;
  /** The answer's own; they go back to the API that gave them, and to no other. */
  readonly reasoning_parts?: readonly ReasoningPart[] | undefined;
}

/**
 * Reasoning that an API wants back, word for word, when a talk goes on, most of all between
 * the turns of a tool loop: signed, sealed, or plain. Nobody but that API knows what it says.
 */
export interface ReasoningPart {
  /** Who may get it back: an API, and where that matters, the endpoint, key or model behind it. */
  readonly scope: string;
  /** What of the answer stands before it: characters of its text, and tool calls. */
  readonly after: { readonly text: number; readonly calls: number };
  /**
   * Set where it is no part of its own, but belongs to what follows it: so many characters of
   * the text, 0 meaning a piece of text that is empty, or the next tool call.
   */
  readonly marks?: number | 'call' | undefined;
  /** In the API's own words. */
  readonly data: ValueObject;
}

/** What a tool that the model called gave back. */
export interface ToolMessage {
  readonly role: 'tool';
  readonly tool_call_id: string;
  readonly content: Content;
  /** True when the tool failed and `content` says how. */
  readonly is_error?: boolean | undefined;
}

export type Content = string | readonly ContentPart[];

export type ContentPart = TextPart | MediaPart;

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** An image or a file: where it lies, or its bytes. */
export interface MediaPart {
  readonly type: 'image' | 'file';
  /** An http or https URL; exactly one of `url` and `data` is there. */
  readonly url?: string | undefined;
  /** The bytes in base64. */
  readonly data?: string | undefined;
  /** E.g. `image/png`, `application/pdf`; required beside `data`. */
  readonly media_type?: string | undefined;
  readonly name?: string | undefined;
}

/** A tool that the model may call. */
export interface ModelTool {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of the arguments, an object's. */
  readonly parameters: ValueObject;
}

/** Default `auto`. A name means that this tool must be called. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

/** A call of a tool as the model made it. */
export interface ToolCall {
  /** The provider's name for the call; made here where the provider gives none. */
  readonly id: string;
  readonly name: string;
  readonly arguments: ValueObject;
  /** What came as arguments, where that was no JSON object; `arguments` is then empty. */
  readonly invalid?: string | undefined;
}

/** The shape that the answer's text must have, as JSON. */
export interface ResponseSchema {
  /** Default `answer`. */
  readonly name?: string | undefined;
  /** JSON Schema. */
  readonly schema: ValueObject;
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
  readonly finish: Finish;
  readonly usage: ModelUsage;
  /** What the model told of its thinking, where the provider shows it. */
  readonly reasoning?: string | undefined;
  readonly tool_calls?: readonly ToolCall[] | undefined;
  /** What the next turn of the same talk has to hold of the reasoning. */
  readonly reasoning_parts?: readonly ReasoningPart[] | undefined;
  /** What only this provider says, e.g. `{ extractive: true, passages: [...] }`. */
  readonly extra?: ValueObject | undefined;
}

/** Why the answer ended: said all, too long, tools to call, refused by a filter, anything else. */
export type Finish = 'stop' | 'length' | 'tool' | 'filter' | 'other';

/** Tokens as the provider reported them; absent where it reported none. */
export interface ModelUsage {
  /** All of the input, cached parts included. */
  readonly input_tokens?: number | undefined;
  /** All of the output, reasoning included. */
  readonly output_tokens?: number | undefined;
  /** The part of the input that was read from the provider's prompt cache. */
  readonly cached_tokens?: number | undefined;
  /** The part of the input that was written to the provider's prompt cache. */
  readonly cache_write_tokens?: number | undefined;
  /** The part of `cache_write_tokens` that is to be kept for an hour. */
  readonly cache_write_1h_tokens?: number | undefined;
  /** Parts of the input by what they are, and of those what was read from the prompt cache. */
  readonly input_audio_tokens?: number | undefined;
  readonly cached_audio_tokens?: number | undefined;
  readonly input_image_tokens?: number | undefined;
  readonly cached_image_tokens?: number | undefined;
  readonly input_video_tokens?: number | undefined;
  readonly cached_video_tokens?: number | undefined;
  /** The part of the output that was reasoning. */
  readonly reasoning_tokens?: number | undefined;
  /** Parts of the output by what they are. */
  readonly output_audio_tokens?: number | undefined;
  readonly output_image_tokens?: number | undefined;
  readonly output_video_tokens?: number | undefined;
  /** Searches that the provider made for the answer, in the web or in files kept with it. */
  readonly web_searches?: number | undefined;
  readonly file_searches?: number | undefined;
}

/**
 * A piece of an answer as it comes. Each stream has one `finish`, after all
 * text and tool calls; `usage` may come before or after it, and a later one
 * stands for the whole call.
 */
export type ModelEvent =
  | { readonly kind: 'start'; readonly model?: string | undefined; readonly extra?: ValueObject }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | ReasoningPartEvent
  | ToolCallDelta
  | { readonly kind: 'usage'; readonly usage: ModelUsage; readonly extra?: ValueObject }
  | { readonly kind: 'finish'; readonly finish: Finish; readonly extra?: ValueObject };

/** A whole reasoning part, at its place between text and tool calls; before what it `marks`. */
export type ReasoningPartEvent = { readonly kind: 'reasoning-part' } & Omit<ReasoningPart, 'after'>;

/** A piece of a tool call: `id` and `name` come once, `arguments` is JSON text in pieces. */
export interface ToolCallDelta {
  readonly kind: 'tool-call';
  /** Tells parallel calls apart. */
  readonly index: number;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly arguments?: string | undefined;
}

/** An integration document (`integration`, `llm_integration` or `llm_provider`). */
export interface Integration {
  readonly _id: string;
  readonly _type: string;
  readonly _rev: number;
  /** `openai` (any compatible endpoint), `openai-responses`, `anthropic`, `gemini`, `mistral`, `bedrock`, `recorded` or `extractive`. Default: `name` in lower case. */
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
  /** The longest answer in tokens, where a budget has to know and the request does not say. Default 4,096. */
  readonly max_output_tokens?: number;
  /** Milliseconds for one attempt. Default 60,000; for a streamed one 600,000. */
  readonly timeout_ms?: number;
  /** Milliseconds until the answer begins. Default: `timeout_ms`, for a streamed one 60,000. */
  readonly first_byte_timeout_ms?: number;
  /** Milliseconds between two pieces of an answer. Default: `timeout_ms`, for a streamed one 60,000. */
  readonly idle_timeout_ms?: number;
  /** `bedrock` only. Default: the one in the endpoint's host, else `us-east-1`. */
  readonly region?: string;
  /**
   * Speak HTTP/2 where the server offers it. Default false: servers that go away in good order, as
   * load balancers do, let calls under way end over HTTP/1.1, and the client ends them over HTTP/2.
   */
  readonly http2?: boolean;
  readonly retry_strategy?: RetryStrategy;
  readonly price?: Price;
  /** Whose price documents count: those of `price:THIS/MODEL`. Default: `provider`. */
  readonly priced_as?: string;
  /** Keep answers, and give them again for equal requests: see `responses/`. Default false. */
  readonly response_cache?: boolean | ResponseCacheRule;
  /** The API goes on with a last message of the assistant's own. Default false. */
  readonly prefill?: boolean;
  /** The longest request and answer that the model takes, in tokens. Default: any. */
  readonly context_tokens?: number;
  /** What the model cannot do, of `tools`, `schema`, `images`, `files`. Default: nothing. */
  readonly lacks?: readonly string[];
  /** `recorded` only: wait as long as the recorded call took. Default false. */
  readonly replay_latency?: boolean;
}

/** When an answer of a model is used again. */
export interface ResponseCacheRule {
  /** Milliseconds. Default: as long as it is kept. */
  readonly max_age_ms?: number;
  /** Bytes that the kept answers of one integration may take; the oldest go first. Default 64 MiB. */
  readonly max_bytes?: number;
  /** Also where `temperature` is not 0. Default false. */
  readonly always?: boolean;
  /** Also answer questions that mean the same: see `semantic/`. Default: equal requests only. */
  readonly semantic?: SemanticRule;
}

/** When a kept answer is given for another question. */
export interface SemanticRule {
  /** The id of an `embedder` document, or of one of the program's own. */
  readonly embedder: string;
  /** Ask the model all the same, and write down what would have been given. Default false. */
  readonly shadow?: boolean;
  /** The share of the answers to be given that are asked for all the same, to check. Default 0.05. */
  readonly verify?: number;
  /** A transformer that tells whether two answers agree. Default: their words or their JSON are equal. */
  readonly judge?: string;
  /** Take an embedder that compares words. Default false. */
  readonly lexical?: boolean;
}

/** US dollars; for a million tokens where the name does not say otherwise. */
export type Price = {
  readonly input_per_million: number;
  readonly output_per_million: number;
  /** Input read from the provider's prompt cache. Default: as other input. */
  readonly cached_per_million?: number;
  /** Input written to the provider's prompt cache. Default: as other input. */
  readonly cache_write_per_million?: number;
  /** Of that, what is to be kept for an hour. Default: as what is written for less. */
  readonly cache_write_1h_per_million?: number;
  /** Input that is no text, and what of it was read from the cache. Default: as other input. */
  readonly input_audio_per_million?: number;
  readonly cached_audio_per_million?: number;
  readonly input_image_per_million?: number;
  readonly cached_image_per_million?: number;
  readonly input_video_per_million?: number;
  readonly cached_video_per_million?: number;
  /** Reasoning, and output that is no text. Default: as other output. */
  readonly reasoning_per_million?: number;
  readonly output_audio_per_million?: number;
  readonly output_image_per_million?: number;
  readonly output_video_per_million?: number;
  /** What the provider looked up. Without a price it is in no cost; the audit trail says so. */
  readonly web_searches_per_thousand?: number;
  readonly file_searches_per_thousand?: number;
  /** Each call, however long. Default: 0. */
  readonly calls_per_thousand?: number;
  /** Other prices for long inputs. */
  readonly tiers?: readonly PriceTier[];
};

/** The price of a call whose input is longer than so many tokens; what is absent stays. */
export type PriceTier = Partial<Omit<Price, 'tiers'>> & {
  readonly above_input_tokens: number;
};

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
  /** Try again after a deadline has passed. Default false: a silent provider stays silent. */
  readonly retry_timeouts?: boolean;
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
  readonly error?: {
    readonly code: string;
    readonly message: string;
    /** The HTTP status that the provider answered with. */
    readonly status?: number;
    /** The request never went out: there was no connection to its host. */
    readonly unsent?: true;
  };
  /** It was ended here, by its caller or because another answer came first: nobody's failure. */
  readonly cancelled?: true;
  readonly usage: ModelUsage;
  /** US dollars; absent where the integration has no price or the provider reported no usage. */
  readonly cost_usd?: number;
  /**
   * What it may have come to, where it may have been billed and told no usage: what budgets count
   * for it. Only under a budget.
   */
  readonly at_most_usd?: number;
  /** What was used and has no price, e.g. `web_searches`: `cost_usd` is without it. */
  readonly unpriced?: readonly string[];
  readonly started_at: number;
  readonly latency_ms: number;
}

/** What the model caller hands back: the answer, and every attempt that led to it. */
export interface ModelCallResult {
  readonly response: ModelResponse;
  readonly attempts: readonly ModelAttempt[];
  readonly cost_usd?: number;
}
