import { contentHash } from '../base/canonical.js';
import type { ModelRequest } from './contract.js';

/**
 * Names a request by what decides its answer: model, messages, settings and
 * context, but not `key`, which only says where a recording lies. Equal
 * requests have equal hashes whatever the order of their properties.
 *
 * Recorded calls and audit documents store it, so changing what goes in breaks
 * stored recordings.
 */
export function requestHash(request: ModelRequest): string {
  const messages = request.messages.map(({ role, content }) => ({ role, content }));
  return contentHash({
    model: request.model,
    messages,
    settings: defined(request.settings),
    ...(request.context === undefined ? {} : { context: request.context }),
  });
}

function defined<T>(record: { readonly [name: string]: T | undefined }): Record<string, T> {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, T>;
}
