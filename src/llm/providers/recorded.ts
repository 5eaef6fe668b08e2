import { JdbxError } from '../../base/errors.js';
import { isPlainObject } from '../../base/values.js';
import type { ModelResponse, Provider, ProviderCall } from '../contract.js';
import { requestHash } from '../request-hash.js';
import { realSleep, type Sleep } from '../sleep.js';
import { responseError } from '../transport/read-answer.js';
import { neutralUsage } from './answer-facts.js';

/** A document of type `recorded_call`: an answer that some provider once gave. */
export interface RecordedCall {
  readonly _id: string;
  readonly _type: 'recorded_call';
  /** The `_id` of the integration that it answers for. */
  readonly integration: string;
  readonly request_hash?: string;
  readonly key?: string;
  readonly response: {
    readonly text: string;
    readonly model?: string;
    readonly usage?: { readonly input_tokens?: number; readonly output_tokens?: number };
    /** Default `stop`. */
    readonly finish?: ModelResponse['finish'];
  };
  /** How long the provider took, in milliseconds. */
  readonly latency_ms?: number;
}

/** What a recording is looked up by: by `key` when there is one, else by `requestHash`. */
export interface RecordingQuery {
  readonly integration: string;
  readonly key: string | undefined;
  readonly requestHash: string;
}

export type FindRecording = (query: RecordingQuery) => Promise<RecordedCall | undefined>;

export interface RecordedOptions {
  readonly findRecording: FindRecording;
  readonly sleep?: Sleep | undefined;
}

/**
 * Answers from recorded calls, needing no network. A call that was not recorded
 * is RECORDING_MISSING; an answer, or a token count, is never invented. The
 * recording's id stands in `extra.recording`.
 */
export function createRecorded({ findRecording, sleep = realSleep }: RecordedOptions): Provider {
  return {
    name: 'recorded',
    local: true,
    async generate(call) {
      call.signal.throwIfAborted();
      const recording = await findRecording(queryOf(call));
      if (!recording) throw missing(queryOf(call));
      const wait = call.integration.replay_latency ? (recording.latency_ms ?? 0) : 0;
      if (wait > 0) await sleep(wait, call.signal);
      return readRecording(recording, call);
    },
  };
}

function queryOf({ integration, request }: ProviderCall): RecordingQuery {
  return {
    integration: integration._id,
    key: request.key,
    requestHash: requestHash(request),
  };
}

function readRecording({ _id, response }: RecordedCall, { request }: ProviderCall): ModelResponse {
  if (!isPlainObject(response) || typeof response.text !== 'string') {
    throw responseError(`${_id}: expected response.text in the recorded call, got none`);
  }
  return {
    text: response.text,
    model: response.model ?? request.model,
    finish: response.finish ?? 'stop',
    usage: neutralUsage(response.usage),
    extra: { recording: _id },
  };
}

function missing({ integration, key, requestHash: hash }: RecordingQuery): JdbxError {
  const sought = key === undefined ? `request_hash "${hash}"` : `key "${key}"`;
  return new JdbxError('RECORDING_MISSING', `${integration} has no recorded call with ${sought}`, {
    operation: 'generate',
    details: { integration, requestHash: hash, ...(key === undefined ? {} : { key }) },
  });
}
