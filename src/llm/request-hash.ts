import { contentHash } from '../base/canonical.js';
import type { ValueObject } from '../base/values.js';
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
  const known = HASHES.get(request);
  if (known !== undefined) return known;
  const hash = hashOf(request);
  HASHES.set(request, hash);
  return hash;
}

/** A request never changes once it is made, and is asked for its hash more than once. */
const HASHES = new WeakMap<ModelRequest, string>();

function hashOf(request: ModelRequest): string {
  const { key: _, settings, messages, ...others } = request;
  return contentHash({
    ...defined(others),
    messages: messages.map(defined),
    settings: defined(settings),
  });
}

function defined(record: object): ValueObject {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ValueObject;
}
