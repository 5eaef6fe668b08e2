import { canonicalText, textHash } from '../base/canonical.js';
import type { ValueObject } from '../base/values.js';
import type { ModelMessage, ModelRequest } from './contract.js';

/**
 * Names a request by what decides its answer: model, messages, settings, context,
 * tools and schema, but not `key`, which only says where a recording lies. Equal
 * requests have equal hashes whatever the order of their properties; what is absent
 * does not count.
 *
 * Recorded calls and audit documents store it, so changing what goes in breaks
 * stored recordings.
 */
export function requestHash(request: ModelRequest): string {
  const known = HASHES.get(request);
  if (known !== undefined) return known;
  const hash = hashOf(request);
  HASHES.set(request, hash);
  return hash;
}

/** A request never changes once it is made, and is asked for its hash more than once. */
const HASHES = new WeakMap<ModelRequest, string>();

/** Nor do its messages, and they stay where a model or a bound is filled in. */
const TEXTS = new WeakMap<readonly ModelMessage[], string>();

/** As `contentHash` of the whole, of whose text the messages are nearly all. */
function hashOf(request: ModelRequest): string {
  const { key: _, settings, messages, ...others } = request;
  const parts = { ...defined(others), settings: defined(settings) };
  const texts = Object.entries(parts).map(([name, part]) => [name, canonicalText(part)] as const);
  const named = [...texts, ['messages', textOf(messages)] as const];
  const sorted = named.sort(([left], [right]) => (left < right ? -1 : 1));
  return textHash(`{${sorted.map(([name, text]) => `"${name}":${text}`).join()}}`);
}

/** Says that one is a copy of the other, but perhaps for its model: what was made of it is kept. */
export function isCopy(from: ModelRequest, copy: ModelRequest): void {
  const hash = from.model === copy.model ? HASHES.get(from) : undefined;
  if (hash !== undefined) HASHES.set(copy, hash);
  const text = TEXTS.get(from.messages);
  if (text !== undefined) TEXTS.set(copy.messages, text);
}

function textOf(messages: readonly ModelMessage[]): string {
  const known = TEXTS.get(messages);
  if (known !== undefined) return known;
  const text = canonicalText(messages.map(defined));
  TEXTS.set(messages, text);
  return text;
}

function defined(record: object): ValueObject {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ValueObject;
}
