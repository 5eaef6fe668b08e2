import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { decoderFor } from './decoder.js';
import type { AnswerHeaders, Exchange } from './exchange.js';

/** Takes a piece of a body. A promise holds the next piece back until it has resolved. */
export type TakeBytes = (bytes: Uint8Array) => void | Promise<void>;

/** The body of an answer after decompression, handed on as it comes in. */
export interface AnswerBody {
  /**
   * Hands on each piece, and resolves behind the last. What `take` throws ends the connection
   * and is thrown again.
   */
  each(take: TakeBytes): Promise<void>;
  /** Every piece of a short body that is there already, and that nobody has begun to read. */
  all(): readonly Uint8Array[] | undefined;
  /** Lets go of a body that nobody wants. */
  drop(): void;
}

/** So many pieces wait for a reader; then the connection does. */
const EARLY_MAX = 16;

type Controller = Dispatcher.DispatchController;

/**
 * One answer as the HTTP client tells it. Pieces go to whoever reads from the very event that
 * brought them: no stream, no signal and no promise for each stands between
 * (https://undici.nodejs.org/#/docs/api/Dispatcher, `DispatchHandler`).
 */
export class Answering implements Dispatcher.DispatchHandler, AnswerBody {
  /** The answer has begun, or will not. */
  readonly begun: Promise<Exchange>;
  #begin: (exchange: Exchange) => void = () => {};
  #fail: (reason: unknown) => void = () => {};
  #controller: Controller | undefined;
  #decoder: Duplex | undefined;
  #take: TakeBytes | undefined;
  /** The taker is at work on the last piece. */
  #taking: Promise<void> | undefined;
  /** What came before anybody read; as much as came with the headers. */
  readonly #early: Uint8Array[] = [];
  #held: Held | undefined;
  #over: { readonly reason?: unknown } | undefined;
  #reading: { end(): void; fail(reason: unknown): void } | undefined;

  constructor() {
    this.begun = new Promise((resolve, reject) => {
      this.#begin = resolve;
      this.#fail = reject;
    });
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#over) controller.abort(asError(this.#over.reason));
  }

  onResponseStart(_: Controller, status: number, received: Headers): void {
    if (status < 200 || this.#over) return;
    const headers = new Received(received);
    const decoder = decoderFor(headers.get('content-encoding'));
    this.#decoder = decoder;
    decoder
      ?.on('data', (bytes: Uint8Array) => this.#push(bytes, decoder))
      .on('end', () => this.#end())
      .on('error', (error: unknown) => this.cancel(error));
    this.#begin({ status, headers, body: this });
  }

  onResponseData(controller: Controller, bytes: Uint8Array): void {
    if (!this.#decoder) this.#push(bytes, controller);
    else if (!this.#over && !this.#decoder.write(bytes)) {
      controller.pause();
      this.#decoder.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(): void {
    if (this.#decoder) this.#decoder.end();
    else this.#end();
  }

  onResponseError(_: Controller, error: unknown): void {
    this.#endWith({ reason: error });
  }

  /** Ends the connection, whatever it is at; who waits for it learns the reason. */
  cancel(reason: unknown): void {
    if (this.#over) return;
    this.#endWith({ reason });
    this.#controller?.abort(asError(reason));
  }

  drop(): void {
    this.cancel(new Error('nobody reads it'));
  }

  all(): readonly Uint8Array[] | undefined {
    const isWhole = this.#over !== undefined && !('reason' in this.#over);
    return isWhole && !this.#take ? this.#early : undefined;
  }

  async each(take: TakeBytes): Promise<void> {
    const early = this.#takeEarly(take, 0);
    if (early) await early;
    const over = this.#over;
    if (!over) return this.#rest(take);
    if ('reason' in over) throw over.reason;
  }

  #takeEarly(take: TakeBytes, from: number): void | Promise<void> {
    for (let at = from; at < this.#early.length; at++) {
      const taking = this.#takeOne(take, this.#early[at] as Uint8Array);
      if (taking) return taking.then(() => this.#takeEarly(take, at + 1));
    }
  }

  #takeOne(take: TakeBytes, bytes: Uint8Array): void | Promise<void> {
    const failed = (error: unknown) => {
      this.cancel(error);
      throw error;
    };
    try {
      return take(bytes)?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #rest(take: TakeBytes): Promise<void> {
    return new Promise<void>((end, fail) => {
      this.#reading = { end, fail };
      this.#take = take;
      // What was held back may come before this returns.
      this.#held?.resume();
    });
  }

  /** What the taker throws is told to whoever waits for the body, not to the HTTP client. */
  #push(bytes: Uint8Array, from: Held): void {
    if (this.#over) return;
    if (!this.#take) {
      this.#keep(bytes, from);
      return;
    }
    const take = this.#take;
    try {
      const taking = this.#taking ? this.#taking.then(() => take(bytes)) : take(bytes);
      if (taking) this.#holdBack(from, taking);
    } catch (error) {
      this.cancel(error);
    }
  }

  #keep(bytes: Uint8Array, from: Held): void {
    this.#early.push(bytes);
    if (this.#early.length < EARLY_MAX) return;
    this.#held = from;
    from.pause();
  }

  /** Also what comes all the same waits for its turn. */
  #holdBack(from: Held, taking: Promise<void>): void {
    from.pause();
    this.#taking = taking;
    taking.then(
      () => {
        if (this.#taking !== taking) return;
        this.#taking = undefined;
        from.resume();
      },
      (error) => this.cancel(error),
    );
  }

  #end(): void {
    const taking = this.#taking;
    if (taking) taking.then(() => this.#end()).catch(() => {});
    else this.#endWith({});
  }

  #endWith(over: { readonly reason?: unknown }): void {
    if (this.#over) return;
    this.#over = over;
    if ('reason' in over) {
      this.#decoder?.destroy();
      this.#fail(over.reason);
      this.#reading?.fail(over.reason);
    } else this.#reading?.end();
  }
}

type Headers = Record<string, string | string[] | undefined>;

class Received implements AnswerHeaders {
  readonly #headers: Headers;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    return firstOf(this.#headers[name]);
  }

  keys(): readonly string[] {
    return Object.keys(this.#headers);
  }
}

interface Held {
  pause(): void;
  resume(): void;
}

function firstOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('cancelled', { cause: reason });
}
