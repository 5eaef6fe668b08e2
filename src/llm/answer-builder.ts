import { JdbxError } from '../base/errors.js';
import { isPlainObject, type ValueObject } from '../base/values.js';
import type {
  Finish,
  ModelEvent,
  ModelResponse,
  ModelUsage,
  ReasoningPart,
  ReasoningPartEvent,
  ToolCall,
  ToolCallDelta,
} from './contract.js';
import { segmentsOf } from './segments.js';
import { parseCleanJson } from './transport/clean-json.js';

/** Puts the pieces of a streamed answer together again. */
export class AnswerBuilder {
  #model: string | undefined;
  #finish: Finish | undefined;
  #usage: ModelUsage = {};
  #extra: ValueObject = {};
  readonly #text: string[] = [];
  readonly #reasoning: string[] = [];
  readonly #calls = new Map<number, CallParts>();
  readonly #parts: ReasoningPart[] = [];
  #characters = 0;

  take(event: ModelEvent): void {
    if (event.kind === 'text') this.#takeText(event.text);
    else if (event.kind === 'reasoning') this.#reasoning.push(event.text);
    else if (event.kind === 'reasoning-part') this.#takePart(event);
    else if (event.kind === 'tool-call') this.#takeCall(event);
    else this.#takeFacts(event);
  }

  /** The text so far. */
  get text(): string {
    return this.#text.join('').toWellFormed();
  }

  /**
   * @param model what to call the model where the provider did not say
   * @throws {JdbxError} MODEL_UNAVAILABLE when no `finish` has come: half an answer is none
   */
  response(model: string): ModelResponse {
    if (this.#finish === undefined) {
      const text = 'expected the end of the answer, but the stream broke off';
      throw new JdbxError('MODEL_UNAVAILABLE', text, { operation: 'generate' });
    }
    const reasoning = this.#reasoning.join('').toWellFormed();
    const calls = [...this.#calls.entries()].sort(([left], [right]) => left - right);
    return {
      text: this.text,
      model: this.#model ?? model,
      finish: this.#finish,
      usage: this.#usage,
      ...(reasoning === '' ? {} : { reasoning }),
      ...(calls.length === 0
        ? {}
        : { tool_calls: calls.map(([index, parts]) => toCall(index, parts)) }),
      ...(this.#parts.length === 0 ? {} : { reasoning_parts: this.#parts }),
      ...(Object.keys(this.#extra).length === 0 ? {} : { extra: this.#extra }),
    };
  }

  #takeText(text: string): void {
    this.#text.push(text);
    this.#characters += text.length;
  }

  #takePart({ kind: _, ...part }: ReasoningPartEvent): void {
    this.#parts.push({ ...part, after: { text: this.#characters, calls: this.#calls.size } });
  }

  #takeCall({ index, id, name, arguments: json }: ToolCallDelta): void {
    const parts = this.#calls.get(index) ?? { id: undefined, name: '', json: [] };
    this.#calls.set(index, parts);
    parts.id ??= id;
    if (parts.name === '') parts.name = name ?? '';
    if (json !== undefined) parts.json.push(json);
  }

  #takeFacts(event: FactsEvent): void {
    if (event.extra) this.#extra = { ...this.#extra, ...event.extra };
    if (event.kind === 'start') this.#model ??= event.model;
    else if (event.kind === 'usage') this.#usage = { ...this.#usage, ...event.usage };
    else this.#finish = event.finish;
  }
}

type FactsEvent = Extract<ModelEvent, { kind: 'start' | 'usage' | 'finish' }>;

interface CallParts {
  id: string | undefined;
  name: string;
  readonly json: string[];
}

function toCall(index: number, { id, name, json }: CallParts): ToolCall {
  return readToolCall({ id: id ?? `call_${index}`, name, json: json.join('') });
}

/**
 * A tool call from its JSON text. Models do write arguments that are no JSON object;
 * that is the model's mistake to be told of, not a fault of the connection.
 */
export function readToolCall(call: { id: string; name: string; json: string }): ToolCall {
  const { id, name, json } = call;
  // A tool without parameters is called with nothing at all by some providers, or with `null`.
  const parsed = /^\s*(null)?\s*$/.test(json) ? {} : tryParse(json);
  if (isPlainObject(parsed)) return { id, name, arguments: parsed as ValueObject };
  return { id, name, arguments: {}, invalid: json.toWellFormed() };
}

function tryParse(json: string): unknown {
  try {
    return parseCleanJson(json);
  } catch {
    return undefined;
  }
}

/** A whole answer as the events that a streamed one would have given. */
export function* eventsOf(response: ModelResponse): Generator<ModelEvent, void, undefined> {
  const { model, reasoning, usage, finish, extra } = response;
  yield { kind: 'start', model };
  if (reasoning !== undefined) yield { kind: 'reasoning', text: reasoning };
  let index = 0;
  for (const segment of segmentsOf({ ...response, content: response.text })) {
    if (segment.part) yield partEvent(segment.part);
    if (segment.text) yield { kind: 'text', text: segment.text };
    if (segment.call) yield callEvent(segment.call, index++);
  }
  yield { kind: 'usage', usage };
  yield { kind: 'finish', finish, ...(extra === undefined ? {} : { extra }) };
}

function partEvent({ after: _, ...part }: ReasoningPart): ModelEvent {
  return { kind: 'reasoning-part', ...part };
}

function callEvent({ id, name, arguments: args, invalid }: ToolCall, index: number): ModelEvent {
  return { kind: 'tool-call', index, id, name, arguments: invalid ?? JSON.stringify(args) };
}
