import type { Document } from '../../base/document.js';
import { describeThrown, JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { ModelRequest, ModelSettings } from '../../llm/contract.js';
import { toRequest } from '../../llm/messages.js';
import type { StageWork } from '../contract.js';
import { callGuest } from '../guests/call-guest.js';
import { type HOOKS, isCustom } from '../pins.js';

type Hook = (typeof HOOKS)[number];

/**
 * The request as the integration's `request_transformer` makes it: the code gets
 * `{ model, messages, settings, context?, key? }` and gives the same. What it leaves out stays.
 *
 * @throws {JdbxError} GUEST_OUTPUT, MISSING_INPUT, and what the code throws
 */
export function transformRequest(
  work: StageWork,
  integration: Document,
  request: ModelRequest,
): ModelRequest | Promise<ModelRequest> {
  return hasHook(integration, 'request_transformer')
    ? requestBy(work, integration, request)
    : request;
}

async function requestBy(
  work: StageWork,
  integration: Document,
  request: ModelRequest,
): Promise<ModelRequest> {
  const made = await callHook(work, integration, 'request_transformer', request as never);
  const { model, settings, ...said } = { ...request, ...objectFrom(made, integration) };
  return toRequest(said, {
    model: model as string | undefined,
    settings: settings as ModelSettings,
  });
}

/**
 * The response as the integration's `response_transformer` makes it: the code gets
 * `{ text, model, finish, usage, extra? }`, and what it gives goes over that.
 *
 * @throws {JdbxError} GUEST_OUTPUT, and what the code throws
 */
export function transformResponse(
  work: StageWork,
  integration: Document,
  response: ValueObject,
): ValueObject | Promise<ValueObject> {
  return hasHook(integration, 'response_transformer')
    ? responseBy(work, integration, response)
    : response;
}

async function responseBy(
  work: StageWork,
  integration: Document,
  response: ValueObject,
): Promise<ValueObject> {
  const made = await callHook(work, integration, 'response_transformer', response);
  return { ...response, ...objectFrom(made, integration) };
}

/**
 * What the integration's `error_handler` answers instead of a failed call: the code gets
 * `{ code, message, status? }`, and gives a response with a `text`, or nothing to let the
 * error stand.
 */
export async function handleError(
  work: StageWork,
  integration: Document,
  error: unknown,
): Promise<ValueObject | undefined> {
  if (!(error instanceof JdbxError) || work.signal.aborted) return undefined;
  const { status } = (error.details ?? {}) as { status?: number };
  const facts = { code: error.code, message: describeThrown(error), ...(status ? { status } : {}) };
  if (integration.error_handler === undefined) return undefined;
  const made = await callHook(work, integration, 'error_handler', facts);
  if (made === null || made === false) return undefined;
  const handled = { model: '', finish: 'other', usage: {}, extra: { handled: error.code } };
  return { ...handled, ...objectFrom(made, integration) };
}

/** True where a transformer of the integration's sees its answers, or its errors. */
export function hearsOf(integration: Document): boolean {
  return integration.error_handler !== undefined || hasHook(integration, 'response_transformer');
}

/** False for the transformers of a provider made of documents: they are its own road. */
export function hasHook(integration: Document, hook: Hook): boolean {
  return integration[hook] !== undefined && !isCustom(integration);
}

async function callHook(
  work: StageWork,
  integration: Document,
  hook: Hook,
  input: ValueObject,
): Promise<Value> {
  const id = integration[hook];
  if (typeof id !== 'string') {
    throw new JdbxError(
      'INVALID_INTEGRATION',
      `expected a transformer's id, got ${describeType(id)}`,
      {
        path: hook,
      },
    );
  }
  const document = work.run.definitions.get(id);
  const { value } = await callGuest(work, {
    document,
    field: 'code',
    input,
    lookup: () => undefined,
  });
  return value;
}

function objectFrom(value: Value, { _id }: Document): ValueObject {
  const text = isPlainObject(value) ? value.text : undefined;
  if (isPlainObject(value) && (text === undefined || typeof text === 'string')) {
    return value as ValueObject;
  }
  throw new JdbxError(
    'GUEST_OUTPUT',
    `expected a request or a response from the transformers of ${_id}, got ${describeType(value)}`,
  );
}
