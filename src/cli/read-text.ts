import { readFile } from 'node:fs/promises';
import { text as streamText } from 'node:stream/consumers';
import { describeThrown } from '../base/errors.js';
import { isPlainObject } from '../base/values.js';
import { JsonSyntaxError, readJsonText } from '../documents/transfer/json-fault.js';
import { isSecretName } from '../llm/secret-names.js';
import { UsageError } from './usage-error.js';

/** The text that an argument stands for: `-` is the standard input, `@file` a file, else itself. */
export async function readArgument(argument: string): Promise<string> {
  if (argument === '-') return streamText(process.stdin);
  if (!argument.startsWith('@')) return argument;
  try {
    return await readFile(argument.slice(1), 'utf8');
  } catch (error) {
    throw new UsageError(`expected a file at ${argument.slice(1)}: ${describeThrown(error)}`);
  }
}

/**
 * Reads Extended JSON, and shows the place where it is none.
 *
 * @param name what the text is, for the error: `FILTER`
 * @throws {UsageError}
 */
export function readJson(text: string, name: string): unknown {
  try {
    return readJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { fault } = error;
    const line = withoutSecrets(text.split('\n')[fault.line - 1] ?? '');
    const from = Math.max(0, fault.column - 40);
    const excerpt = line.slice(from, from + 70);
    const place = `line ${fault.line}, column ${fault.column}`;
    throw new UsageError(
      `${name} is not JSON: ${fault.text} at ${place}\n  ${excerpt}\n  ${' '.repeat(fault.column - 1 - from)}^`,
    );
  }
}

/** A name and its value, as far as it goes; what begins an object or a list is no value. */
const PROPERTY = /(["']?([\w-]+)["']?\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]{["][^\s,}\]]*)/g;

/** The same line, as long, without what stands under the names of secrets: terminals are logged. */
function withoutSecrets(line: string): string {
  return line.replace(PROPERTY, (all, start: string, name: string, value: string) =>
    isSecretName(name) ? start + '*'.repeat(value.length) : all,
  );
}

/** @throws {UsageError} */
export function readObject(text: string, name: string): Record<string, unknown> {
  const value = readJson(text, name);
  if (isPlainObject(value)) return value;
  throw new UsageError(`expected ${name} to be a JSON object, such as '{"_type": "pattern"}'`);
}

/** A whole number from 0 on, for options. */
export function readCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`expected a whole number, got ${JSON.stringify(text)}`);
}

/** A commit's number, or a time. */
export function readPoint(text: string): number | Date {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const at = timeIn(text);
  if (!Number.isNaN(at)) return new Date(at);
  throw new UsageError(
    `expected the number of a commit, or a time such as 2026-01-31T12:00:00Z, got ${JSON.stringify(text)}`,
  );
}

/** A date, with a time or without, in milliseconds since the epoch; NaN for anything else. */
export function timeIn(text: string): number {
  return /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
}
