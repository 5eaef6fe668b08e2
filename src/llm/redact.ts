import { JdbxError } from '../base/errors.js';
import { isPlainObject } from '../base/values.js';

/** What stands where a secret was. */
export const REDACTED = '[redacted]';

/**
 * Secrets shorter than this are not looked for: they would match by chance all
 * over an answer, and a secret of three characters protects nothing.
 */
export const SECRET_LENGTH_MIN = 4;

/** Parts shorter than this are words, such as a user's name. */
const PART_LENGTH_MIN = 16;

/** How far a chain of causes is followed; it may be a cycle. */
const CAUSES_MAX = 8;

export type Redact = <T>(value: T) => T;

/**
 * Makes a function that replaces each of `secrets` in a value by `[redacted]`,
 * in strings anywhere in it and in property names; the input is not changed.
 * Found are the secret itself and its URL-encoded, JSON-escaped and base64
 * forms, base64 also where the secret is only a part of what was encoded (as in
 * an `Authorization: Basic` header). Secrets shorter than 4 characters are not
 * looked for.
 */
export function redactor(secrets: readonly string[]): Redact {
  return known(secrets).redact;
}

const NO_SECRETS: readonly string[] = [];

/** `redactor` of the secret of a call, where it has one. */
export function redactorFor(secret: string | undefined): Redact {
  return redactor(secret === undefined ? NO_SECRETS : [secret]);
}

/** Every spelling that `redactor` looks for. */
export function secretForms(secrets: readonly string[]): readonly string[] {
  return known(secrets).forms;
}

interface Known {
  readonly secrets: readonly string[];
  readonly forms: readonly string[];
  readonly redact: Redact;
}

/** Those of the last secrets: a program has few, and each call asks for them several times. */
const KNOWN: Known[] = [];
const KNOWN_MAX = 16;

function known(secrets: readonly string[]): Known {
  const isSame = (one: Known) =>
    one.secrets.length === secrets.length && one.secrets.every((each, at) => each === secrets[at]);
  const found = KNOWN.find(isSame);
  if (found) return found;
  const forms = formsOfAll(secrets);
  const made = { secrets: [...secrets], forms, redact: redactOf(forms) };
  KNOWN.unshift(made);
  KNOWN.length = Math.min(KNOWN.length, KNOWN_MAX);
  return made;
}

function redactOf(forms: readonly string[]): Redact {
  if (forms.length === 0) return (value) => value;
  const pattern = new RegExp(longestFirst(forms).map(escapePattern).join('|'), 'g');
  return (value) => redactValue(value, (text) => text.replace(pattern, REDACTED)) as typeof value;
}

function formsOfAll(secrets: readonly string[]): string[] {
  return secrets
    .flatMap(withParts)
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .flatMap(formsOf);
}

/** A secret of several parts, as AWS has them, is one also in each of its long parts. */
function withParts(secret: string): string[] {
  const parts = secret.split(':').filter((part) => part.length >= PART_LENGTH_MIN);
  return secret.includes(':') ? [secret, ...parts] : [secret];
}

/** The value itself where nothing was found in it, as nearly always. */
function redactValue(value: unknown, redactText: (text: string) => string): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => redactValue(item, redactText));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  if (!isPlainObject(value)) return value;
  let isSame = true;
  const entries = Object.entries(value).map(([key, item]) => {
    const clean = [redactText(key), redactValue(item, redactText)] as const;
    isSame &&= clean[0] === key && clean[1] === item;
    return clean;
  });
  return isSame ? value : Object.fromEntries(entries);
}

/**
 * A copy of a thrown value without secrets in its message, stack, details and
 * causes. An HTTP client may quote a refused header, so a cause is as
 * dangerous as a message.
 */
export function redactError(error: unknown, redact: Redact, depth = 0): unknown {
  if (!(error instanceof Error)) return redact(error);
  if (depth === CAUSES_MAX) return undefined;
  const cause = error.cause === undefined ? undefined : redactError(error.cause, redact, depth + 1);
  const copy =
    error instanceof JdbxError ? copyOurs(error, cause, redact) : copyOther(error, cause);
  copy.message = redact(error.message);
  copy.stack = redact(error.stack ?? '');
  return copy;
}

function copyOurs(error: JdbxError, cause: unknown, redact: Redact): JdbxError {
  const { path, operation, details } = error;
  return new JdbxError(error.code, '', { path, operation, cause, details: redact(details) });
}

function copyOther(error: Error, cause: unknown): Error {
  const copy = new Error('', cause === undefined ? {} : { cause });
  const { code } = error as { code?: unknown };
  return Object.assign(copy, { name: error.name }, code === undefined ? {} : { code });
}

function formsOf(secret: string): string[] {
  const url = encodeURIComponent(secret.toWellFormed());
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    url,
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    url.replaceAll('%20', '+'),
    json,
    JSON.stringify(json).slice(1, -1),
    json.replaceAll('/', '\\/'),
    ...base64Forms(secret),
  ];
}

/**
 * The base64 characters that the secret alone decides, for each place that it
 * can have within a group of three bytes, in both alphabets.
 * https://www.rfc-editor.org/rfc/rfc4648#section-4
 */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const cores = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  });
  const long = cores.filter((core) => core.length >= SECRET_LENGTH_MIN);
  return [...long, ...long.map((core) => core.replaceAll('+', '-').replaceAll('/', '_'))];
}

/** A longer form first, so that none of it is left when a shorter one is its part. */
function longestFirst(forms: readonly string[]): string[] {
  return [...new Set(forms)].sort((left, right) => right.length - left.length);
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
