import { createParser } from 'eventsource-parser';

/** One event of a stream: its `data`, and its name where it has one. */
export interface StreamFrame {
  readonly event: string | undefined;
  readonly data: string;
}

/** Cuts the bytes of one streamed answer into events. */
export interface FrameReader {
  /** The events that these bytes complete. */
  take(bytes: Uint8Array): readonly StreamFrame[];
  /** The events that the end completes. */
  end(): readonly StreamFrame[];
}

/**
 * Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)
 * from bytes as they come. Half a character at the end of a piece waits for the
 * rest of it; comments and empty events are passed over.
 */
export class ServerSentEvents implements FrameReader {
  readonly #decoder = new TextDecoder();
  #ready: StreamFrame[] = [];
  readonly #parser = createParser({
    onEvent: ({ event, data }) => void this.#ready.push({ event, data }),
  });

  take(bytes: Uint8Array): readonly StreamFrame[] {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    return this.#drain();
  }

  /**
   * The event that the end completes. The standard drops an event that no empty line
   * ends; servers that leave out the last line are met all the same.
   */
  end(): readonly StreamFrame[] {
    this.#parser.feed(`${this.#decoder.decode()}\n\n`);
    return this.#drain();
  }

  #drain(): readonly StreamFrame[] {
    const ready = this.#ready;
    if (ready.length > 0) this.#ready = [];
    return ready;
  }
}
