import { canonicalText, textHash } from '../base/canonical.js';
import type { Value } from '../base/values.js';
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

/** What decides the answer, in the order of canonical texts. */
const DECIDING = [
  'context',
  'messages',
  'model',
  'response_schema',
  'settings',
  'tool_choice',
  'tools',
] as const satisfies readonly (keyof ModelRequest)[];

/** As `contentHash` of the whole, of whose text the messages are nearly all. */
function hashOf(request: ModelRequest): string {
  let text = '';
  for (const name of DECIDING) {
    const part = request[name];
    if (part === undefined) continue;
    const own = name === 'messages' ? textOf(request.messages) : canonicalText(part as Value);
    text += `${text === '' ? '{' : ','}"${name}":${own}`;
  }
  return textHash(`${text}}`);
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
  const text = canonicalText(messages as unknown as Value);
  TEXTS.set(messages, text);
  return text;
}
