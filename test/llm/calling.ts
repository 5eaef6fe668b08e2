import { createModelCaller, type ModelCaller, type ModelCallInput } from '#jdbx/llm/call-model.js';
import type { ModelRequest } from '#jdbx/llm/contract.js';
import { createProviders } from '#jdbx/llm/create-providers.js';
import type { RecordedCall } from '#jdbx/llm/providers/recorded.js';
import { Transport } from '#jdbx/llm/transport/transport.js';
import { GuestCodes } from '#jdbx/pipelines/guests/guest-codes.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { transformWith } from '#jdbx/transform-with.js';

/** What is looked for in everything that comes out. */
export const CANARY = 'sk-canary/4+7=secret&value';

export const CREDENTIAL = { _id: 'cred:key', _type: 'credential', env: 'TEST_KEY' };

export const never = new AbortController().signal;

const none = () => undefined;

/** For the transformers of custom providers; its workers let the process end. */
const sandbox = createSandbox({ workers: 1 });

/** Its connections are let go by themselves when nothing is under way. */
const transport = new Transport();

export interface Setup {
  readonly caller: ModelCaller;
  /** The waits between attempts that were asked for, in milliseconds; none is waited for. */
  readonly waits: number[];
}

/** A caller over real providers; only the waits between attempts are cut short. */
export function setup(recordings: readonly RecordedCall[] = [], secret = CANARY): Setup {
  const waits: number[] = [];
  const caller = createModelCaller({
    providers: createProviders({
      transport,
      transform: transformWith(sandbox, new GuestCodes(none), none, { now: () => Date.now() }),
      findRecording: async ({ integration, key, requestHash }) =>
        recordings.find(
          (one) =>
            one.integration === integration &&
            (key === undefined ? one.request_hash === requestHash : one.key === key),
        ),
    }),
    credentials: async (ref) => (ref === CREDENTIAL._id ? CREDENTIAL : undefined),
    secrets: { env: { TEST_KEY: secret } },
    clock: { now: () => Date.now() },
    random: () => 0.5,
    sleep: async (ms) => void waits.push(ms),
  });
  return { caller, waits };
}

export function integration(fields: object): object {
  return {
    _id: 'integration:test',
    _type: 'integration',
    _rev: 3,
    provider: 'openai',
    model: 'test-model',
    ...fields,
  };
}

export function request(fields: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: '',
    messages: [{ role: 'user', content: 'What is it?' }],
    settings: {},
    ...fields,
  };
}

export function input(document: object, fields: Partial<ModelCallInput> = {}): ModelCallInput {
  return {
    integration: document,
    request: request(),
    idempotencyKey: 'run:1/stage',
    signal: never,
    ...fields,
  };
}

/** The error that a promise is rejected with. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into details of any shape.
export async function failure(promise: Promise<unknown>): Promise<Error & Record<string, any>> {
  return promise.then(
    () => Promise.reject(new Error('expected a rejection')),
    (error) => error,
  );
}
