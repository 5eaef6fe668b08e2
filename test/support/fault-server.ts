import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/**
 * A real HTTP server on 127.0.0.1 that plays a provider by a script: the first
 * request gets the first behaviour, the second the second, and every request
 * past the end gets the last one again. It keeps what it was asked.
 *
 *     await using server = await FaultServer.start([status(429), answer({ … })]);
 *     await fetch(server.url + '/v1/chat/completions', …);
 *     server.requests.length; // 1
 */
export class FaultServer {
  readonly requests: Seen[] = [];
  readonly #server: Server;
  #script: readonly Behaviour[];

  static async start(script: readonly Behaviour[]): Promise<FaultServer> {
    const server = new FaultServer(script);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  private constructor(script: readonly Behaviour[]) {
    this.#script = script;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  /** Without a slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Begins another script; what was asked before is forgotten. */
  play(script: readonly Behaviour[]): void {
    this.#script = script;
    this.requests.length = 0;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that leaves early is part of the play.
    response.on('error', () => {});
    const seen = await see(request);
    if (!seen) return;
    const turn = this.requests.push(seen) - 1;
    const behaviour = this.#script[Math.min(turn, this.#script.length - 1)];
    if (!behaviour) throw new Error('the fault server has no script');
    await behaviour(response, seen);
  }
}

/** One request as the server saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** The parsed JSON body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into bodies of any shape.
  readonly body: any;
}

export type Behaviour = (response: ServerResponse, seen: Seen) => void | Promise<void>;

type Headers = { readonly [name: string]: string };

/** Answers JSON with 200. A function makes the answer from the request. */
export function answer(json: unknown, headers: Headers = {}): Behaviour {
  return (response, seen) => {
    const body = typeof json === 'function' ? json(seen) : json;
    sendJson(response, 200, body, headers);
  };
}

/** Answers a status with a JSON body, by default an error as OpenAI words it. */
export function status(code: number, headers: Headers = {}, json?: unknown): Behaviour {
  const body = json ?? { error: { message: `status ${code} by script`, type: 'scripted_error' } };
  return (response) => sendJson(response, code, body, headers);
}

export interface EventStreamOptions {
  /** Default `text/event-stream`. */
  readonly contentType?: string;
  /** Close the connection in place of an orderly end. */
  readonly cut?: boolean;
  /** Send nothing more, and never end. */
  readonly stall?: boolean;
  /** Milliseconds between two events. */
  readonly everyMs?: number;
  /** Send the bytes in pieces of this many, whatever they cut. */
  readonly pieceBytes?: number;
}

/**
 * Answers 200 with a stream: one server-sent event a value, in one piece each; strings and bytes
 * go out as they are.
 */
export function eventStream(
  events: readonly unknown[],
  options: EventStreamOptions = {},
): Behaviour {
  const frames = events.map(toFrame);
  const { contentType = 'text/event-stream; charset=utf-8' } = options;
  return async (response) => {
    response.writeHead(200, { 'content-type': contentType });
    for (const piece of piecesOf(frames, options.pieceBytes)) {
      if (response.destroyed) return;
      response.write(piece);
      await (options.everyMs ? sleep(options.everyMs) : nextTurn());
    }
    if (options.stall) return;
    if (options.cut) response.socket?.destroy();
    else response.end();
  };
}

function toFrame(event: unknown): Buffer {
  if (event instanceof Uint8Array) return Buffer.from(event);
  return Buffer.from(typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`);
}

function piecesOf(frames: readonly Buffer[], bytes: number | undefined): readonly Buffer[] {
  if (bytes === undefined) return frames;
  const all = Buffer.concat(frames);
  const count = Math.ceil(all.length / bytes);
  return Array.from({ length: count }, (_, n) => all.subarray(n * bytes, (n + 1) * bytes));
}

/** Answers JSON compressed, asked or not; `cutBytes` of it are kept back. */
export function compressed(json: unknown, encoding: 'gzip' | 'br', cutBytes = 0): Behaviour {
  const text = JSON.stringify(json);
  const bytes = encoding === 'gzip' ? gzipSync(text) : brotliCompressSync(text);
  return (response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': encoding });
    response.end(bytes.subarray(0, bytes.length - cutBytes));
  };
}

/** 200 with text that is not JSON. */
export function garbage(text = '}{ "choices" \u0000 not json'): Behaviour {
  return (response) => void response.writeHead(200, JSON_TYPE).end(text);
}

/** 200 with a web page, as captive portals and misrouted proxies answer. */
export function html(code = 200): Behaviour {
  const page = '<!doctype html><html><head><title>Welcome</title></head><body>Log in</body></html>';
  return (response) => void response.writeHead(code, { 'content-type': 'text/html' }).end(page);
}

/** 200 with no body. */
export function empty(): Behaviour {
  return (response) => void response.writeHead(200, JSON_TYPE).end();
}

/** Takes the request and never answers. */
export function hang(): Behaviour {
  return () => {};
}

/** Sends headers and the first bytes, and then nothing more. */
export function stall(): Behaviour {
  return (response) => void response.writeHead(200, JSON_TYPE).write('{"choices": [');
}

/** Waits before it behaves. */
export function slow(ms: number, then: Behaviour): Behaviour {
  return async (response, seen) => {
    await sleep(ms);
    await then(response, seen);
  };
}

/** Closes the connection without a byte. */
export function drop(): Behaviour {
  return (response) => void response.socket?.destroy();
}

/** Promises a whole body, sends half of it, and closes the connection. */
export function cut(json: unknown): Behaviour {
  return (response) => {
    const text = JSON.stringify(json);
    response.writeHead(200, { ...JSON_TYPE, 'content-length': String(text.length) });
    response.write(text.slice(0, text.length / 2), () => response.socket?.destroy());
  };
}

/** Sends the caller elsewhere. */
export function redirect(location: string, code = 307): Behaviour {
  return (response) => void response.writeHead(code, { location }).end();
}

/** Refuses, and quotes the caller's secret in every form that servers are known to use. */
export function echoAuth(code = 401): Behaviour {
  return (response, { headers }) => {
    const sent = headers.authorization ?? String(headers['x-api-key']);
    const secret = sent.replace(/^Bearer /, '');
    const forms = [sent, encodeURIComponent(secret), Buffer.from(`:${secret}`).toString('base64')];
    const message = `Incorrect API key provided: ${forms.join(' or ')}`;
    const headersOut = { 'x-request-id': `req-${secret}` };
    sendJson(response, code, { error: { message, type: secret, [secret]: secret } }, headersOut);
  };
}

/** Answers JSON in pieces of so many bytes, whatever they cut. */
export function inPieces(json: unknown, bytes: number): Behaviour {
  return eventStream([JSON.stringify(json)], { ...JSON_PIECES, pieceBytes: bytes });
}

/** 200 with a body of `bytes` bytes, sent as fast as it is taken. */
export function huge(bytes: number, contentType = 'application/json'): Behaviour {
  const chunk = Buffer.alloc(1024 * 1024, ' ');
  return async (response) => {
    response.writeHead(200, { 'content-type': contentType });
    for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
      if (!response.write(chunk)) await drained(response);
    }
    response.end('{}');
  };
}

const JSON_PIECES = { contentType: 'application/json' };
const JSON_TYPE = { 'content-type': 'application/json' };

function sendJson(response: ServerResponse, code: number, json: unknown, headers: Headers): void {
  response.writeHead(code, { ...JSON_TYPE, ...headers }).end(JSON.stringify(json));
}

/** Nothing when the client was gone before it had asked, as one is that was killed. */
async function see(request: IncomingMessage): Promise<Seen | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return undefined;
  }
  const text = Buffer.concat(chunks).toString();
  const { method = '', url: path = '', headers } = request;
  return { method, path, headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** Resolves when the client has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
