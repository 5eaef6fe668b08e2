import type { LanguageModelV3 } from '@ai-sdk/provider';
import { describeThrown, isJdbxError, JdbxError } from '../../../base/errors.js';
import { isPlainObject, type Value } from '../../../base/values.js';
import type { ModelEvent, Provider, ProviderCall } from '../../contract.js';
import { statusError } from '../../transport/http-errors.js';
import { AiSdkStream, readResult } from './answer.js';
import { toCallOptions } from './call-options.js';
import { asVersion3, type CalledModel, type LanguageModelV4 } from './specification-4.js';

export type { LanguageModelV4 } from './specification-4.js';

/** A language model of the AI SDK: of its version 6 (specification v3) or 7 (v4). */
export type AiSdkLanguageModel = LanguageModelV3 | LanguageModelV4;

/** A language model, or what makes one by the name that an integration says. */
export type AiSdkModel = AiSdkLanguageModel | ((model: string) => AiSdkLanguageModel);

/**
 * A provider that asks a language model of the Vercel AI SDK, for
 * `open(path, { providers: [aiSdk('mistral', createMistral())] })` and integration
 * documents with `provider: 'mistral'`. It holds its own key; `endpoint` and
 * `credentials_ref` of the document mean nothing to it. The deadline is `timeout_ms`.
 *
 * @param name what an integration document's `provider` field says, in lower case
 */
export function aiSdk(name: string, model: AiSdkModel): Provider {
  const modelFor = ({ request }: ProviderCall) =>
    called(typeof model === 'function' ? model(request.model) : model, name);
  return {
    name,
    async generate(call) {
      return within(call, name, async (signal) =>
        readResult(await modelFor(call).doGenerate(toCallOptions(call, signal)), call),
      );
    },
    stream: (call) => streamed(modelFor(call), call, name),
  };
}

/** @throws {JdbxError} INVALID_INTEGRATION for a specification that is not known here */
function called(model: AiSdkLanguageModel, name: string): CalledModel {
  const { specificationVersion: version } = model;
  if (version === 'v3') return model;
  if (version === 'v4') return asVersion3(model);
  const got = `${name} has a model of ${JSON.stringify(version) ?? 'no version'}`;
  throw new JdbxError('INVALID_INTEGRATION', `expected a model of specification v3 or v4: ${got}`, {
    operation: 'generate',
  });
}

async function* streamed(
  model: CalledModel,
  call: ProviderCall,
  name: string,
): AsyncGenerator<ModelEvent, void, undefined> {
  const signal = signalOf(call);
  try {
    const { stream } = await orAborted(model.doStream(toCallOptions(call, signal)), signal);
    const reader = new AiSdkStream(call);
    for await (const part of partsOf(stream, signal)) yield* reader.take(part);
  } catch (error) {
    throw explain(error, { call, signal, name });
  }
}

async function within<T>(
  call: ProviderCall,
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = signalOf(call);
  try {
    return await orAborted(work(signal), signal);
  } catch (error) {
    throw explain(error, { call, signal, name });
  }
}

async function* partsOf<T>(stream: ReadableStream<T>, signal: AbortSignal) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await orAborted(reader.read(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** What comes first: a model of somebody else's making may not heed the signal. */
function orAborted<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    const end = () => signal.removeEventListener('abort', stop);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).then(end, end);
  });
}

const TIMEOUT_MS_DEFAULT = 600_000;

function signalOf({ signal, integration }: ProviderCall): AbortSignal {
  signal.throwIfAborted();
  return AbortSignal.any([
    signal,
    AbortSignal.timeout(integration.timeout_ms ?? TIMEOUT_MS_DEFAULT),
  ]);
}

interface Failed {
  readonly call: ProviderCall;
  readonly signal: AbortSignal;
  readonly name: string;
}

/** What the SDK's errors say, known by their fields: its package need not be here. */
function explain(error: unknown, { call, signal, name }: Failed): unknown {
  if (call.signal.aborted) return call.signal.reason;
  if (isJdbxError(error)) return error;
  const who = `${call.integration._id} (${name})`;
  const facts = { operation: 'generate', cause: error };
  if (signal.aborted) {
    const { timeout_ms = TIMEOUT_MS_DEFAULT } = call.integration;
    return new JdbxError('MODEL_TIMEOUT', `${who} did not answer within ${timeout_ms} ms`, facts);
  }
  const { statusCode: status, responseHeaders = {}, responseBody } = error as ApiError;
  if (typeof status === 'number') {
    const headers = {
      get: (header: string) => responseHeaders[header] ?? null,
      keys: () => Object.keys(responseHeaders),
    };
    const body = parsed(responseBody) ?? describeThrown(error);
    return statusError({ who, status, headers, body, now: Date.now() });
  }
  const text = `${who} failed: ${describeThrown(error)}`;
  return new JdbxError('MODEL_UNAVAILABLE', text, facts);
}

interface ApiError {
  readonly statusCode?: unknown;
  readonly responseHeaders?: { readonly [name: string]: string };
  readonly responseBody?: string;
}

function parsed(body: string | undefined): Value | undefined {
  try {
    const json: unknown = JSON.parse(body ?? '');
    return isPlainObject(json) ? (json as Value) : undefined;
  } catch {
    return undefined;
  }
}
