import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, type ValueObject } from '../base/values.js';
import type {
  Content,
  ContentPart,
  MediaPart,
  ModelMessage,
  ReasoningPart,
  ToolCall,
} from './contract.js';

const ROLES = ['system', 'user', 'assistant', 'tool'] as const;
const PARTS = ['text', 'image', 'file'] as const;

/** @throws {JdbxError} MISSING_INPUT with the path of what is missing or of another shape */
export function readMessages(list: unknown): ModelMessage[] {
  if (!Array.isArray(list) || list.length === 0) {
    const got = Array.isArray(list) ? 'an empty one' : describeType(list);
    return fail('messages', `expected a list of at least one message, got ${got}`);
  }
  return list.map((item, index) => readMessage(item, `messages.${index}`));
}

function readMessage(item: unknown, path: string): ModelMessage {
  if (!isPlainObject(item)) {
    return fail(path, `expected an object with role and content, got ${describeType(item)}`);
  }
  const role = ROLES.find((known) => known === item.role);
  if (role === undefined) return fail(`${path}.role`, `expected one of ${ROLES.join(', ')}`);
  if (role === 'tool') return readToolMessage(item, path);
  if (role === 'assistant') return readAnswerMessage(item, path);
  return { role, content: readContent(item.content, `${path}.content`) };
}

function readToolMessage(item: Record<string, unknown>, path: string): ModelMessage {
  const { tool_call_id: id, content, is_error } = item;
  if (typeof id !== 'string' || id === '') {
    return fail(`${path}.tool_call_id`, `expected the id of a tool call, got ${describeType(id)}`);
  }
  const read = content === '' ? '' : readContent(content, `${path}.content`);
  return {
    role: 'tool',
    tool_call_id: id,
    content: read,
    ...(is_error === true ? { is_error } : {}),
  };
}

function readAnswerMessage(item: Record<string, unknown>, path: string): ModelMessage {
  const { tool_calls: list, content } = item;
  const kept = readReasoning(item.reasoning_parts, `${path}.reasoning_parts`);
  if (list === undefined) {
    return { role: 'assistant', content: readContent(content, `${path}.content`), ...kept };
  }
  if (!Array.isArray(list) || list.length === 0) {
    return fail(`${path}.tool_calls`, `expected a list of calls, got ${describeType(list)}`);
  }
  const calls = list.map((call, index) => readCall(call, `${path}.tool_calls.${index}`));
  const isSilent = content === undefined || content === null || content === '';
  const said = isSilent ? '' : readContent(content, `${path}.content`);
  return { role: 'assistant', content: said, tool_calls: calls, ...kept };
}

function readReasoning(list: unknown, path: string) {
  if (list === undefined) return {};
  if (!Array.isArray(list)) return fail(path, `expected a list, got ${describeType(list)}`);
  return { reasoning_parts: list.map((part, index) => readKept(part, `${path}.${index}`)) };
}

function readKept(part: unknown, path: string): ReasoningPart {
  if (!isPlainObject(part)) {
    return fail(path, `expected a reasoning part of an answer, got ${describeType(part)}`);
  }
  const { scope, after, marks, data } = part;
  if (typeof scope !== 'string') {
    return fail(`${path}.scope`, `expected a string, got ${describeType(scope)}`);
  }
  if (!isPlainObject(after) || !isCount(after.text) || !isCount(after.calls)) {
    return fail(`${path}.after`, 'expected { text, calls }, both counts');
  }
  if (marks !== undefined && marks !== 'call' && !isCount(marks)) {
    return fail(`${path}.marks`, 'expected a number of characters or "call"');
  }
  if (!isPlainObject(data)) {
    return fail(`${path}.data`, `expected an object, got ${describeType(data)}`);
  }
  const { text, calls } = after;
  const kept = { scope, after: { text, calls }, data: data as ValueObject };
  return marks === undefined ? kept : { ...kept, marks };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readCall(call: unknown, path: string): ToolCall {
  if (!isPlainObject(call)) return fail(path, `expected a tool call, got ${describeType(call)}`);
  const { id, name, arguments: args = {}, invalid } = call;
  for (const [field, value] of [
    ['id', id],
    ['name', name],
  ] as const) {
    if (typeof value !== 'string' || value === '') {
      fail(`${path}.${field}`, `expected a non-empty string, got ${describeType(value)}`);
    }
  }
  if (!isPlainObject(args)) {
    return fail(`${path}.arguments`, `expected an object, got ${describeType(args)}`);
  }
  return {
    id: id as string,
    name: name as string,
    arguments: args as ValueObject,
    ...(typeof invalid === 'string' ? { invalid } : {}),
  };
}

function readContent(content: unknown, path: string): Content {
  if (typeof content === 'string' && content !== '') return content;
  if (Array.isArray(content) && content.length > 0) {
    return content.map((part, index) => readPart(part, `${path}.${index}`));
  }
  const isEmpty = content === '' || Array.isArray(content);
  const got = isEmpty ? 'an empty one' : describeType(content);
  return fail(path, `expected a non-empty string or a list of parts, got ${got}`);
}

function readPart(part: unknown, path: string): ContentPart {
  if (!isPlainObject(part)) return fail(path, `expected a part, got ${describeType(part)}`);
  const type = PARTS.find((known) => known === part.type);
  if (type === undefined) return fail(`${path}.type`, `expected one of ${PARTS.join(', ')}`);
  if (type !== 'text') return readMedia(type, part, path);
  if (typeof part.text === 'string') return { type, text: part.text };
  return fail(`${path}.text`, `expected a string, got ${describeType(part.text)}`);
}

function readMedia(
  type: MediaPart['type'],
  part: Record<string, unknown>,
  path: string,
): MediaPart {
  const { url, data, media_type, name } = part;
  if ((url === undefined) === (data === undefined)) {
    return fail(path, 'expected either url or data');
  }
  if (url !== undefined && !isWebUrl(url))
    return fail(`${path}.url`, 'expected an http or https URL');
  if (data !== undefined && !isBase64(data))
    return fail(`${path}.data`, 'expected bytes in base64');
  if (data !== undefined && typeof media_type !== 'string') {
    return fail(`${path}.media_type`, 'expected a media type such as image/png beside data');
  }
  return {
    type,
    ...(url === undefined ? { data: data as string } : { url: url as string }),
    ...(typeof media_type === 'string' ? { media_type } : {}),
    ...(typeof name === 'string' ? { name } : {}),
  };
}

function isWebUrl(url: unknown): boolean {
  return typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function isBase64(data: unknown): boolean {
  return typeof data === 'string' && data !== '' && /^[A-Za-z0-9+/]+={0,2}$/.test(data);
}

function fail(path: string, text: string): never {
  throw new JdbxError('MISSING_INPUT', text, { path });
}
