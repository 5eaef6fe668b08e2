import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import type { ModelMessage, ModelRequest, ModelSettings } from './contract.js';
import { readMessages } from './read-messages.js';
import { readToolParts } from './read-tools.js';

/** What the stage and the prompt say, for what the input leaves open. */
export interface RequestDefaults {
  /** Empty when the integration's own model is meant. Default empty. */
  readonly model?: string | undefined;
  readonly settings?: ModelSettings | undefined;
  readonly system?: string | undefined;
  readonly context?: readonly string[] | undefined;
  readonly key?: string | undefined;
}

/** Where an object may hold what is said; exactly one of them. */
const SAYINGS = ['messages', 'prompt', 'text'] as const;

/**
 * Makes a request of what a stage was handed: a string (one user message), or
 * an object with one of `prompt`, `text` or `messages`, and optionally `system`,
 * `context` (a passage or a list of them), `key`, `tools`, `tool_choice` and
 * `response_schema`.
 *
 * @throws {JdbxError} MISSING_INPUT with the path of what is missing or of another shape
 */
export function toRequest(input: unknown, defaults: RequestDefaults = {}): ModelRequest {
  const source = typeof input === 'string' ? { prompt: input } : input;
  if (!isPlainObject(source)) {
    return fail(
      '',
      `expected a string or an object with ${SAYINGS.join(' or ')}, got ${describeType(input)}`,
    );
  }
  const system = readText(source, 'system') ?? defaults.system;
  const context = readContext(source.context) ?? defaults.context;
  const key = readText(source, 'key') ?? defaults.key;
  return {
    model: defaults.model ?? '',
    messages: [...systemMessages(system), ...readSaid(source)],
    settings: defaults.settings ?? {},
    ...(context === undefined ? {} : { context }),
    ...(key === undefined ? {} : { key }),
    ...readToolParts(source),
  };
}

function systemMessages(content: string | undefined): ModelMessage[] {
  return content === undefined ? [] : [{ role: 'system', content }];
}

function readSaid(source: Record<string, unknown>): ModelMessage[] {
  const given = SAYINGS.filter((name) => source[name] !== undefined);
  const [name] = given;
  if (name === undefined || given.length > 1) {
    const got = given.length > 1 ? `${given.join(' and ')}` : describeKeys(source);
    return fail('', `expected one of ${SAYINGS.join(', ')}, got ${got}`);
  }
  if (name === 'messages') return readMessages(source.messages);
  return [{ role: 'user', content: readText(source, name) as string }];
}

function readText(source: Record<string, unknown>, name: string): string | undefined {
  const text = source[name];
  if (text === undefined || (typeof text === 'string' && text !== '')) return text;
  const got = text === '' ? 'an empty one' : describeType(text);
  return fail(name, `expected a non-empty string, got ${got}`);
}

function readContext(context: unknown): readonly string[] | undefined {
  if (context === undefined) return undefined;
  const passages = Array.isArray(context) ? context : [context];
  return passages.map((passage, index) => {
    if (typeof passage === 'string') return passage;
    const path = Array.isArray(context) ? `context.${index}` : 'context';
    return fail(path, `expected a string, got ${describeType(passage)}`);
  });
}

function describeKeys(source: Record<string, unknown>): string {
  const keys = Object.keys(source);
  return keys.length === 0 ? 'an empty object' : `only ${keys.slice(0, 10).join(', ')}`;
}

function fail(path: string, text: string): never {
  throw new JdbxError('MISSING_INPUT', text, { path });
}
