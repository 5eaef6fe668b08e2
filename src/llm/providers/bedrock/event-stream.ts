import { JdbxError } from '../../../base/errors.js';
import type { FrameReader, StreamFrame } from '../../transport/frames.js';

/** Decodes one whole message; checks its two checksums. */
export interface MessageCodec {
  decode(message: Uint8Array): {
    readonly headers: Readonly<Record<string, { readonly value: unknown }>>;
    readonly body: Uint8Array;
  };
}

/** @throws {JdbxError} PACKAGE_MISSING */
export async function loadCodec(): Promise<() => MessageCodec> {
  const { EventStreamCodec } = await importCodec();
  const toText = (bytes: string | Uint8Array) =>
    typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8');
  return () => new EventStreamCodec(toText, (text) => Buffer.from(text));
}

async function importCodec() {
  try {
    return await import('@smithy/eventstream-codec');
  } catch (cause) {
    const text =
      'expected the package @smithy/eventstream-codec: npm install @smithy/eventstream-codec';
    throw new JdbxError('PACKAGE_MISSING', text, { cause });
  }
}

/** The first bytes of a message: its length and that of its headers, and their checksum. */
const PRELUDE_BYTES = 12;
/** The largest message that AWS sends (https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html). */
const MESSAGE_BYTES_MAX = 24 * 1024 * 1024;

/**
 * Reads AWS's event stream encoding: each message begins with its length in four bytes,
 * big endian. An exception among the events becomes an error, as other APIs send it.
 */
export class AwsEventStream implements FrameReader {
  readonly #codec: MessageCodec;
  #rest: Buffer = Buffer.alloc(0);

  constructor(codec: MessageCodec) {
    this.#codec = codec;
  }

  take(bytes: Uint8Array): readonly StreamFrame[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const frames: StreamFrame[] = [];
    for (let message = this.#next(); message; message = this.#next()) {
      frames.push(this.#read(message));
    }
    return frames;
  }

  /** What is left is half a message; that the answer is not whole shows by its missing end. */
  end(): readonly StreamFrame[] {
    return [];
  }

  #next(): Buffer | undefined {
    if (this.#rest.length < PRELUDE_BYTES) return undefined;
    const length = this.#rest.readUInt32BE(0);
    if (length < PRELUDE_BYTES || length > MESSAGE_BYTES_MAX) throw broken();
    if (this.#rest.length < length) return undefined;
    const message = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return message;
  }

  #read(message: Buffer): StreamFrame {
    const { headers, body } = decode(this.#codec, message);
    const text = Buffer.from(body).toString('utf8');
    const exception = headers[':exception-type']?.value ?? headers[':error-code']?.value;
    if (exception === undefined)
      return { event: String(headers[':event-type']?.value), data: text };
    return {
      event: 'error',
      data: JSON.stringify({ error: { type: exception, message: messageIn(text) } }),
    };
  }
}

function decode(codec: MessageCodec, message: Uint8Array) {
  try {
    return codec.decode(message);
  } catch (cause) {
    throw broken(cause);
  }
}

function messageIn(text: string): string {
  try {
    return String(JSON.parse(text).message ?? text);
  } catch {
    return text;
  }
}

function broken(cause?: unknown): JdbxError {
  const text = 'expected a message of an AWS event stream, got bytes that are none';
  return new JdbxError('MODEL_RESPONSE', text, { operation: 'generate', cause });
}
