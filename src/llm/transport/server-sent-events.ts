import { createParser } from 'eventsource-parser';

/** One event of a stream: its `data`, and its name where it has one. */
export interface ServerSentEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/**
 * Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)
 * from bytes as they come. Half a character at the end of a piece waits for the
 * rest of it; comments and empty events are passed over.
 */
export class ServerSentEvents {
  readonly #decoder = new TextDecoder();
  #ready: ServerSentEvent[] = [];
  readonly #parser = createParser({
    onEvent: ({ event, data }) => void this.#ready.push({ event, data }),
  });

  /** The events that these bytes complete. */
  take(bytes: Uint8Array): readonly ServerSentEvent[] {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    return this.#drain();
  }

  /**
   * The event that the end completes. The standard drops an event that no empty line
   * ends; servers that leave out the last line are met all the same.
   */
  end(): readonly ServerSentEvent[] {
    this.#parser.feed(`${this.#decoder.decode()}\n\n`);
    return this.#drain();
  }

  #drain(): readonly ServerSentEvent[] {
    const ready = this.#ready;
    if (ready.length > 0) this.#ready = [];
    return ready;
  }
}
