import type { Dispatcher } from 'undici';
import { type AnswerBody, Answering } from './answering.js';
import type { Deadline } from './deadline.js';

/** One answer as it begins: its status and headers are there, its body is still to come. */
export interface Exchange {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;
}

/** Header values by lower-case name; of several with one name the first. */
export interface AnswerHeaders {
  get(name: string): string | null;
  keys(): Iterable<string>;
}

export interface Sending {
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly http2: boolean;
  /** Ends the exchange when it is over. */
  readonly deadline: Deadline;
}

/** Connections kept open to one host and not in use, in milliseconds. */
const KEEP_ALIVE_MS = 30_000;
/** Milliseconds to reach a host; the deadline of the call may be shorter. */
const CONNECT_MS = 10_000;

type Version = 'http1' | 'http2';

/**
 * Sends requests over connections that are kept and used again, one pool for
 * each host. Redirects are not followed, and the client's own deadlines are
 * off, because ours know more.
 */
export class Connections {
  readonly #given: Dispatcher | undefined;
  readonly #own = new Map<Version, Promise<Dispatcher>>();
  /** Those of them that are made. */
  readonly #ready = new Map<Version, Dispatcher>();

  /** @param given used instead of pools of its own, e.g. a proxy's; it is its owner's to close */
  constructor(given?: Dispatcher) {
    this.#given = given;
  }

  /** @throws what the HTTP client says of a request that it cannot send */
  send(sending: Sending): Promise<Exchange> {
    const dispatcher = this.#given ?? this.#ready.get(versionOf(sending));
    if (dispatcher) return dispatch(dispatcher, sending);
    return this.#pools(sending).then((made) => dispatch(made, sending));
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#own.values()].map(async (pools) => (await pools).destroy()));
  }

  #pools(sending: Sending): Promise<Dispatcher> {
    const version = versionOf(sending);
    const known = this.#own.get(version);
    if (known) return known;
    const made = createPools(sending.http2).then((pools) => {
      this.#ready.set(version, pools);
      return pools;
    });
    this.#own.set(version, made);
    return made;
  }
}

function dispatch(dispatcher: Dispatcher, { url, headers, body, deadline }: Sending) {
  const answering = new Answering();
  deadline.ends(answering);
  const path = `${url.pathname}${url.search}`;
  dispatcher.dispatch({ origin: url.origin, path, method: 'POST', headers, body }, answering);
  return answering.begun;
}

function versionOf({ http2 }: Sending): Version {
  return http2 ? 'http2' : 'http1';
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
