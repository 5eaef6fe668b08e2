import { contentHash } from '../base/canonical.js';
import type { Document } from '../base/document.js';
import type { Value } from '../base/values.js';

/** Documents are frozen and shared while they are cached, so each is hashed once. */
const known = new WeakMap<Document, string>();

/**
 * The content of a definition, whatever its revision: the SHA-256 of its canonical text
 * without `_rev`. Runs keep it beside the revision.
 */
export function definitionHash(document: Document): string {
  const hash = known.get(document) ?? hashOf(document);
  if (Object.isFrozen(document)) known.set(document, hash);
  return hash;
}

function hashOf({ _rev, ...body }: Document): string {
  return contentHash(body as unknown as Value);
}
