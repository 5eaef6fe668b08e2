import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import type { ModelMessage, ModelRequest, ModelSettings } from './contract.js';

/** What the stage and the prompt say, for what the input leaves open. */
export interface RequestDefaults {
  /** Empty when the integration's own model is meant. Default empty. */
  readonly model?: string | undefined;
  readonly settings?: ModelSettings | undefined;
  readonly system?: string | undefined;
  readonly context?: readonly string[] | undefined;
  readonly key?: string | undefined;
}

const ROLES = ['system', 'user', 'assistant'] as const;
/** Where an object may hold what is said; exactly one of them. */
const SAYINGS = ['messages', 'prompt', 'text'] as const;

/**
 * Makes a request of what a stage was handed: a string (one user message), or
 * an object with one of `prompt`, `text` or `messages`, and optionally `system`,
 * `context` (a passage or a list of them) and `key`.
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
    messages: [...systemMessages(system), ...readMessages(source)],
    settings: defaults.settings ?? {},
    ...(context === undefined ? {} : { context }),
    ...(key === undefined ? {} : { key }),
  };
}

function systemMessages(content: string | undefined): ModelMessage[] {
  return content === undefined ? [] : [{ role: 'system', content }];
}

function readMessages(source: Record<string, unknown>): ModelMessage[] {
  const given = SAYINGS.filter((name) => source[name] !== undefined);
  const [name] = given;
  if (name === undefined || given.length > 1) {
    const got = given.length > 1 ? `${given.join(' and ')}` : describeKeys(source);
    return fail('', `expected one of ${SAYINGS.join(', ')}, got ${got}`);
  }
  if (name === 'messages') return readList(source.messages);
  return [{ role: 'user', content: readText(source, name) as string }];
}

function readList(list: unknown): ModelMessage[] {
  if (!Array.isArray(list) || list.length === 0) {
    return fail('messages', `expected a list of at least one message, got ${describeList(list)}`);
  }
  return list.map((item, index) => readMessage(item, `messages.${index}`));
}

function readMessage(item: unknown, path: string): ModelMessage {
  if (!isPlainObject(item)) {
    return fail(path, `expected an object with role and content, got ${describeType(item)}`);
  }
  const role = ROLES.find((known) => known === item.role);
  if (role === undefined) return fail(`${path}.role`, `expected one of ${ROLES.join(', ')}`);
  const { content } = item;
  if (typeof content === 'string' && content !== '') return { role, content };
  return fail(`${path}.content`, `expected a non-empty string, got ${describeText(content)}`);
}

function readText(source: Record<string, unknown>, name: string): string | undefined {
  const text = source[name];
  if (text === undefined || (typeof text === 'string' && text !== '')) return text;
  return fail(name, `expected a non-empty string, got ${describeText(text)}`);
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

function describeText(value: unknown): string {
  return value === '' ? 'an empty one' : describeType(value);
}

function describeList(value: unknown): string {
  return Array.isArray(value) ? 'an empty one' : describeType(value);
}

function describeKeys(source: Record<string, unknown>): string {
  const keys = Object.keys(source);
  return keys.length === 0 ? 'an empty object' : `only ${keys.slice(0, 10).join(', ')}`;
}

function fail(path: string, text: string): never {
  throw new JdbxError('MISSING_INPUT', text, { path });
}
