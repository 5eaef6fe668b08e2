import type { ModelEvent, ModelResponse, ProviderCall } from './contract.js';
import type { Answer } from './transport/read-answer.js';
import type { Framing, Post, StreamPiece } from './transport/transport.js';

/**
 * How one HTTP API says what the neutral contract says. Pure: it sends nothing
 * and waits for nothing, so a mapping is tested on recorded answers alone.
 */
export interface ApiMapping {
  /** The name that an integration document's `provider` field uses. */
  readonly name: string;
  /** Where and what to send. Only `auth` may hold the secret. */
  post(call: ProviderCall, streaming: boolean): Post;
  /** @throws {JdbxError} MODEL_RESPONSE for an answer that is not this API's */
  read(answer: Answer, call: ProviderCall): ModelResponse;
  /** Begins to read one streamed answer. Absent where the API, or this way of asking, has none. */
  readStream?(call: ProviderCall): StreamReader | undefined;
  /** How its streams are cut into events; loads what that needs. Default: server-sent events. */
  framing?(): Promise<Framing>;
}

/** Reads one streamed answer, piece by piece. */
export interface StreamReader {
  /** @throws {JdbxError} MODEL_RESPONSE for a piece that is not this API's */
  take(piece: StreamPiece, requestId: string | undefined): readonly ModelEvent[];
  /** What is left to say when no more pieces come. */
  end(): readonly ModelEvent[];
}
