import { canonicalText, textHash } from '../base/canonical.js';
import type { Value } from '../base/values.js';
import type { ModelRequest } from './contract.js';

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
  let text = '';
  for (const name of DECIDING) {
    const part = request[name];
    if (part === undefined) continue;
    text += `${text === '' ? '{' : ','}"${name}":${canonicalText(part as Value)}`;
  }
  return textHash(`${text}}`);
}

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
