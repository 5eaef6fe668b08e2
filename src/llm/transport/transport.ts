import type { Dispatcher } from 'undici';
import { type Clock, systemClock } from '../../base/clock.js';
import { describeThrown, isJdbxError, JdbxError } from '../../base/errors.js';
import type { ValueObject } from '../../base/values.js';
import type { ProviderCall } from '../contract.js';
import { Deadline, type Limits } from './deadline.js';
import { Connections, type Exchange } from './exchange.js';
import { type FrameReader, ServerSentEvents, type StreamFrame } from './frames.js';
import { readUsedUp } from './rate-headers.js';
import { ANSWER_BYTES_MAX, type Answer, AnswerReader, describeTarget } from './read-answer.js';
import { Taking } from './taking.js';

/** Milliseconds for one attempt, from the first byte sent to the last one read. */
export const TIMEOUT_MS_DEFAULT = 60_000;
/** The same for a streamed attempt: a long answer is no stalled one. */
export const STREAM_TIMEOUT_MS_DEFAULT = 600_000;

export interface TransportOptions {
  /** Sends the requests, e.g. through a proxy. Default: pools of connections that are kept. */
  readonly dispatcher?: Dispatcher | undefined;
  readonly clock?: Clock | undefined;
}

/** One POST of JSON: where to, with which headers of the provider's own, and what. */
export interface Post {
  readonly url: URL;
  /** Lower-case names. The integration's `headers` go over `headers`, and `auth` over both. */
  readonly headers: { readonly [name: string]: string };
  readonly auth: { readonly [name: string]: string };
  readonly body: unknown;
  /** Gives the headers to send instead, for APIs that want each request signed. */
  readonly sign?: ((sending: Unsigned) => Promise<Record<string, string>>) | undefined;
}

/** A request as it would go out. */
export interface Unsigned {
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** How an API cuts its streams into events, other than as server-sent events. */
export interface Framing {
  readonly contentType: string;
  readonly createReader: () => FrameReader;
}

/** A piece of a streamed answer: one JSON object, without the secret. */
export interface StreamPiece {
  readonly event: string | undefined;
  readonly data: ValueObject;
}

/** What a streamed answer turned out to be: pieces, or whole after all. */
export type Streamed =
  | { readonly kind: 'piece'; readonly piece: StreamPiece; readonly requestId: string | undefined }
  | { readonly kind: 'whole'; readonly answer: Answer };

/** Is handed what came. */
export type Take = (streamed: Streamed) => void | Promise<void>;

/**
 * Sends attempts and reads their answers. Redirects are never followed: the
 * secret was meant for the host that the integration names.
 */
export class Transport {
  readonly #connections: Connections;
  readonly #clock: Clock;

  constructor({ dispatcher, clock = systemClock }: TransportOptions = {}) {
    this.#connections = new Connections(dispatcher);
    this.#clock = clock;
  }

  /**
   * An answer that is one JSON object.
   *
   * @throws {JdbxError} MODEL_RATE_LIMITED, MODEL_REFUSED, MODEL_UNAVAILABLE, MODEL_TIMEOUT,
   * MODEL_RESPONSE, or the abort reason of `call.signal`
   */
  async whole(post: Post, call: ProviderCall): Promise<Answer> {
    call.signal.throwIfAborted();
    const deadline = new Deadline(call.signal, wholeLimits(call));
    try {
      const exchange = await this.#send(post, call, deadline, 'application/json');
      const answer = this.#begin(exchange, post, call, deadline).whole();
      // It is there with its headers, as a rule.
      return answer instanceof Promise ? await answer : answer;
    } catch (error) {
      throw explain(error, post, call, deadline);
    } finally {
      deadline.clear();
    }
  }

  /**
   * An answer that comes in pieces, as server-sent events, each handed on as it comes. A server
   * that does not stream gives one whole answer instead. An error among the pieces is thrown.
   *
   * @param take may give a promise: nothing more is read before it has resolved
   * @throws {JdbxError} as `whole`; what `take` throws, as it is
   */
  async stream(
    post: Post,
    call: ProviderCall,
    take: Take,
    framing: Framing = SERVER_SENT_EVENTS,
  ): Promise<void> {
    call.signal.throwIfAborted();
    const deadline = new Deadline(call.signal, streamLimits(call));
    const taking = new Taking(take);
    try {
      const exchange = await this.#send(post, call, deadline, framing.contentType);
      const reader = this.#begin(exchange, post, call, deadline);
      await reader.checkStatus();
      if (isOf(exchange, framing))
        await readPieces({ exchange, reader, deadline, framing }, taking);
      else await taking.one({ kind: 'whole', answer: await reader.whole() });
    } catch (error) {
      throw taking.failed ? taking.failed.error : explain(error, post, call, deadline);
    } finally {
      deadline.clear();
    }
  }

  /** Ends what is under way. */
  close(): Promise<void> {
    return this.#connections.close();
  }

  #send(post: Post, call: ProviderCall, deadline: Deadline, accept: string): Promise<Exchange> {
    const { url, sign } = post;
    const { http2 = false } = call.integration;
    const body = JSON.stringify(post.body);
    const headers = headersOf(post, call, accept);
    const sending = { url, headers, body, http2, deadline };
    if (!sign) return this.#connections.send(sending);
    return sign({ url, headers, body }).then((signed) =>
      this.#connections.send({ ...sending, headers: signed }),
    );
  }

  #begin(exchange: Exchange, post: Post, call: ProviderCall, deadline: Deadline): AnswerReader {
    deadline.begun();
    this.#tellUsedUp(exchange, call);
    const moved = () => deadline.moved();
    return new AnswerReader(exchange, post.url, call, { clock: this.#clock, moved });
  }

  #tellUsedUp({ headers }: Exchange, { onUsedUp }: ProviderCall): void {
    if (!onUsedUp) return;
    const ms = readUsedUp(headers, this.#clock.now());
    if (ms !== undefined) onUsedUp(ms);
  }
}

interface Streaming {
  readonly exchange: Exchange;
  readonly reader: AnswerReader;
  readonly deadline: Deadline;
  readonly framing: Framing;
}

function readPieces(
  { exchange, reader, deadline, framing }: Streaming,
  taking: Taking,
): Promise<void> {
  const events = framing.createReader();
  const { requestId } = reader;
  const toPiece = ({ event, data }: StreamFrame): Streamed => ({
    kind: 'piece',
    piece: { event, data: reader.piece(data) },
    requestId,
  });
  let bytes = 0;
  const reading = exchange.body.each((chunk) => {
    deadline.moved();
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw reader.tooLarge();
    return taking.all(events.take(chunk), toPiece);
  });
  return reading.then(() => taking.all(events.end(), toPiece));
}

const SERVER_SENT_EVENTS: Framing = {
  contentType: 'text/event-stream',
  createReader: () => new ServerSentEvents(),
};

function isOf({ headers }: Exchange, { contentType }: Framing): boolean {
  return (headers.get('content-type') ?? '').includes(contentType);
}

function headersOf(post: Post, call: ProviderCall, accept: string): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept,
    'idempotency-key': headerText(call.idempotencyKey),
  };
  const { headers: own } = call.integration;
  return Object.assign(headers, post.headers, own && lowerNames(own), post.auth);
}

function wholeLimits({ integration }: ProviderCall): Limits {
  const { timeout_ms: totalMs = TIMEOUT_MS_DEFAULT } = integration;
  const { first_byte_timeout_ms: firstByteMs = totalMs, idle_timeout_ms: idleMs = totalMs } =
    integration;
  return { totalMs, firstByteMs, idleMs };
}

function streamLimits({ integration }: ProviderCall): Limits {
  return {
    totalMs: integration.timeout_ms ?? STREAM_TIMEOUT_MS_DEFAULT,
    firstByteMs: integration.first_byte_timeout_ms ?? TIMEOUT_MS_DEFAULT,
    idleMs: integration.idle_timeout_ms ?? TIMEOUT_MS_DEFAULT,
  };
}

function explain(error: unknown, post: Post, call: ProviderCall, deadline: Deadline): unknown {
  if (call.signal.aborted) return call.signal.reason;
  const who = describeTarget(post.url, call);
  const cause = { operation: 'generate', cause: error };
  if (deadline.passed) return new JdbxError('MODEL_TIMEOUT', describePassed(who, deadline), cause);
  if (isJdbxError(error)) return error;
  const reason = systemCode(error) || describeThrown(error);
  const unsent = NEVER_SENT.test(reason) ? { details: { unsent: true } } : {};
  if (reason === 'UND_ERR_CONNECT_TIMEOUT' || reason === 'ETIMEDOUT') {
    const late = `${who} could not be reached in time: ${reason}`;
    return new JdbxError('MODEL_TIMEOUT', late, { ...cause, ...unsent });
  }
  const text = `${who} could not be reached, or broke off its answer: ${reason}`;
  return new JdbxError('MODEL_UNAVAILABLE', text, { ...cause, ...unsent });
}

/** There was no connection yet: nobody has seen the request, or billed it. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|.*CERT.*|ERR_TLS.*|ERR_SSL.*)$/;

function describePassed(who: string, { passed }: Deadline): string {
  const { phase, ms } = passed ?? { phase: 'total', ms: 0 };
  if (phase === 'total') return `${who} did not answer within ${ms} ms`;
  if (phase === 'idle') return `${who} sent nothing for ${ms} ms in the middle of its answer`;
  return `${who} did not begin to answer within ${ms} ms`;
}

/** The operating system's or the HTTP client's code, e.g. `ECONNREFUSED`; it may stand in the cause. */
function systemCode(error: unknown): string {
  const codeIn = (thrown: unknown) => (thrown as { code?: unknown } | undefined)?.code;
  const code = codeIn(error) ?? (error instanceof Error ? codeIn(error.cause) : undefined);
  return typeof code === 'string' ? code : '';
}

function lowerNames(headers: { readonly [name: string]: string }): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** A key made from a stage's name may hold any character; a header may not. */
function headerText(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}
