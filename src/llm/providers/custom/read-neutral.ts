import { JdbxError } from '../../../base/errors.js';
import { describeType, isPlainObject, type Value, type ValueObject } from '../../../base/values.js';
import { readToolCall } from '../../answer-builder.js';
import type { Finish, ModelEvent, ModelResponse, ProviderCall, ToolCall } from '../../contract.js';
import { isCount, neutralUsage } from '../answer-facts.js';

const FINISHES: readonly Finish[] = ['stop', 'length', 'tool', 'filter', 'other'];
/**
 * A neutral response from a transformer: `{ text, finish?, model?, usage?, reasoning?,
 * tool_calls?, reasoning_parts?, extra? }`. A transformer that finds no answer gives none.
 *
 * @throws {JdbxError} MODEL_RESPONSE for anything without a text or a tool call
 */
export function readResponse(made: Value, call: ProviderCall): ModelResponse {
  const { request, integration } = call;
  const { text, tool_calls, reasoning_parts, model, reasoning, usage, finish, extra } =
    isPlainObject(made) ? (made as ValueObject) : ({} as ValueObject);
  const calls = Array.isArray(tool_calls) ? tool_calls.map(toCall) : [];
  if (typeof text !== 'string' && calls.length === 0) {
    throw foreign(integration._id, 'response_transformer', made);
  }
  return {
    text: typeof text === 'string' ? text : '',
    model: typeof model === 'string' ? model : request.model,
    finish: finishOf(finish) ?? (calls.length > 0 ? 'tool' : 'stop'),
    usage: neutralUsage(usage),
    ...(typeof reasoning === 'string' && reasoning !== '' ? { reasoning } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...keptIn(reasoning_parts, call),
    ...(isPlainObject(extra) ? { extra: extra as ValueObject } : {}),
  };
}

/** @throws {JdbxError} MODEL_RESPONSE for events that are none */
export function readEvents(
  made: Value,
  call: ProviderCall,
): { readonly events: readonly ModelEvent[]; readonly next: Value } {
  const { events, state = null } = isPlainObject(made) ? (made as ValueObject) : {};
  if (!Array.isArray(events)) throw foreign(call.integration._id, 'stream_transformer', made);
  return { events: events.map((event) => readEvent(event, call)), next: state };
}

function readEvent(made: Value, call: ProviderCall): ModelEvent {
  const event = (isPlainObject(made) ? made : {}) as ValueObject;
  const { kind, text, finish, usage, index } = event;
  const isText = (kind === 'text' || kind === 'reasoning') && typeof text === 'string';
  if (isText || kind === 'start') return event as unknown as ModelEvent;
  if (kind === 'usage') return { kind, usage: neutralUsage(usage) };
  if (kind === 'finish') return { kind, finish: finishOf(finish) ?? 'other' };
  if (kind === 'tool-call' && isCount(index)) return event as unknown as ModelEvent;
  if (kind === 'reasoning-part') return { kind, ...readKept(made, call) };
  throw foreign(call.integration._id, 'stream_transformer', made);
}

/** A part's scope is the integration, whatever the transformer says. */
function keptIn(list: Value | undefined, call: ProviderCall) {
  if (!Array.isArray(list)) return {};
  const parts = list.map((made) => {
    const { text, calls } = isPlainObject(made) && isPlainObject(made.after) ? made.after : {};
    const after = { text: isCount(text) ? text : 0, calls: isCount(calls) ? calls : 0 };
    return { ...readKept(made, call), after };
  });
  return { reasoning_parts: parts };
}

function readKept(made: Value, { integration: { _id } }: ProviderCall) {
  const { data, marks } = (isPlainObject(made) ? made : {}) as ValueObject;
  if (!isPlainObject(data)) throw foreign(_id, 'reasoning_parts', made);
  const marked = marks === 'call' || isCount(marks) ? { marks: marks as 'call' | number } : {};
  return { scope: `custom@${_id}`, ...marked, data: data as ValueObject };
}

function toCall(made: Value, index: number): ToolCall {
  const { id, name, arguments: args = {} } = (isPlainObject(made) ? made : {}) as ValueObject;
  const json = typeof args === 'string' ? args : JSON.stringify(args);
  return readToolCall({ id: String(id ?? `call_${index}`), name: String(name ?? ''), json });
}

function finishOf(finish: Value | undefined): Finish | undefined {
  return FINISHES.find((known) => known === finish);
}

const WANTED = {
  response_transformer: '{ text }',
  stream_transformer: '{ events }',
  reasoning_parts: 'parts with { data }',
} as const;

function foreign(id: string, field: keyof typeof WANTED, made: Value): JdbxError {
  const what = WANTED[field];
  const text = `expected ${what} from the ${field} of ${id}, got ${describeType(made)}`;
  return new JdbxError('MODEL_RESPONSE', text, { path: field });
}
