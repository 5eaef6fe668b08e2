import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { decompressed } from './decompressed.js';

/** One answer as it begins: its status and headers are there, its body is still to come. */
export interface Exchange {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** The body after decompression. Leaving a loop over it early closes the connection. */
  readonly body: Readable;
}

/** Header values by lower-case name; of several with one name the first. */
export interface AnswerHeaders {
  get(name: string): string | null;
}

export interface Sending {
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly signal: AbortSignal;
  readonly http2: boolean;
}

/** Connections kept open to one host and not in use, in milliseconds. */
const KEEP_ALIVE_MS = 30_000;
/** Milliseconds to reach a host; the deadline of the call may be shorter. */
const CONNECT_MS = 10_000;

/**
 * Sends requests over connections that are kept and used again, one pool for
 * each host. Redirects are not followed, and the client's own deadlines are
 * off, because ours know more.
 */
export class Connections {
  readonly #given: Dispatcher | undefined;
  readonly #own = new Map<'http1' | 'http2', Promise<Dispatcher>>();

  /** @param given used instead of pools of its own, e.g. a proxy's; it is its owner's to close */
  constructor(given?: Dispatcher) {
    this.#given = given;
  }

  async send({ url, headers, body, signal, http2 }: Sending): Promise<Exchange> {
    const dispatcher = this.#given ?? (await this.#pools(http2));
    const answer = await dispatcher.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      headers,
      body,
      signal,
    });
    return toExchange(answer);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#own.values()].map(async (pools) => (await pools).destroy()));
  }

  #pools(http2: boolean): Promise<Dispatcher> {
    const version = http2 ? 'http2' : 'http1';
    const known = this.#own.get(version);
    if (known) return known;
    const made = createPools(http2);
    this.#own.set(version, made);
    return made;
  }
}

function toExchange({
  statusCode,
  headers: received,
  body: raw,
}: Dispatcher.ResponseData): Exchange {
  const headers = { get: (name: string) => firstOf(received[name]) };
  const body = decompressed(raw, headers.get('content-encoding'));
  // Whoever reads the body learns of its failure; a body that nobody reads any more fails unheard.
  body.on('error', () => {});
  return { status: statusCode, headers, body };
}

/** The client is loaded with the first call: a program that makes none starts the sooner. */
async function createPools(allowH2: boolean): Promise<Dispatcher> {
  const { Agent } = await import('undici');
  return new Agent({
    allowH2,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_MS },
  });
}

function firstOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
