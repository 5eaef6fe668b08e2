import type { Dispatcher } from 'undici';
import { type AnswerBody, Answering } from './answering.js';

/** One answer as it begins: its status and headers are there, its body is still to come. */
export interface Exchange {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;
}

/** Header values by lower-case name; of several with one name the first. */
export interface AnswerHeaders {
  get(name: string): string | null;
}

export interface Sending {
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly http2: boolean;
  /** Is handed what ends the exchange, with a reason; it may be called at any time. */
  readonly onCancel: (cancel: (reason: unknown) => void) => void;
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

  async send({ url, headers, body, http2, onCancel }: Sending): Promise<Exchange> {
    const dispatcher = this.#given ?? (await this.#pools(http2));
    const answering = new Answering();
    onCancel((reason) => answering.cancel(reason));
    const path = `${url.pathname}${url.search}`;
    dispatcher.dispatch({ origin: url.origin, path, method: 'POST', headers, body }, answering);
    return answering.begun;
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
