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
  const known = KNOWN.get(request.messages);
  if (known?.request === request) return known.hash;
  const messages = known?.messages ?? canonicalText(request.messages as unknown as Value);
  const hash = hashOf(request, messages);
  if (known) Object.assign(known, { request, hash });
  else KNOWN.set(request.messages, { messages, request, hash });
  return hash;
}

/** What was made of messages, and of the last request that has them. */
interface Known {
  readonly messages: string;
  request: ModelRequest;
  hash: string;
}

/**
 * A request never changes once it is made, and is asked for its hash more than once. Nor do its
 * messages, which are nearly all of it, and they stay where a model or a bound is filled in.
 */
const KNOWN = new WeakMap<readonly ModelMessage[], Known>();

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

/** As `contentHash` of the whole. */
function hashOf(request: ModelRequest, messages: string): string {
  let text = '';
  for (const name of DECIDING) {
    const part = request[name];
    if (part === undefined) continue;
    const own = name === 'messages' ? messages : canonicalText(part as Value);
    text += `${text === '' ? '{' : ','}"${name}":${own}`;
  }
  return textHash(`${text}}`);
}

/** Says that one is a copy of the other, but perhaps for its model: what was made of it is kept. */
export function isCopy(from: ModelRequest, copy: ModelRequest): void {
  const known = KNOWN.get(from.messages);
  if (!known) return;
  const isSame = known.request === from && from.model === copy.model;
  KNOWN.set(copy.messages, isSame ? { ...known, request: copy } : { ...known });
}
