import type { NewDocument } from './base/document.js';

/**
 * What every new store begins with, as ordinary documents: other names of the types
 * that the package itself reads, and the indexes that it queries by. A user may change
 * or remove them like any other.
 */
export const SYSTEM_DOCUMENTS: readonly NewDocument[] = [
  alias('transformer', 'js_transformer'),
  alias('pipeline', 'llm_pipeline'),
  alias('session', 'llm_session'),
  alias('prompt', 'prompt_template'),
  alias('integration', 'llm_integration', 'llm_provider', 'llm_orchestrator'),
  index('run', 'status'),
  index('run', 'pipeline'),
  index('run', 'parent'),
  index('checkpoint', 'run', 'path'),
  index('wait', 'run'),
  index('wait', 'topic'),
  index('wait', 'wake_at'),
  index('event', 'topic'),
  index('event', 'expires_at'),
  index('cache', 'expires_at'),
  index('cached_response', 'scope', 'at', 'bytes'),
  index('semantic_entry', 'scope', 'at'),
  index('reservation', 'run'),
  index('audit', 'run'),
  index('audit', 'kind'),
  index('price', 'provider'),
  index('recorded_call', 'key'),
  index('recorded_call', 'request_hash'),
];

function alias(type: string, ...includes: string[]): NewDocument {
  return { _id: `alias:${type}`, _type: 'alias', type, includes };
}

function index(type: string, ...fields: string[]): NewDocument {
  const key = Object.fromEntries(fields.map((field) => [field, 1]));
  return { _id: `index:${type}.${fields.join('.')}`, _type: 'index', type, key, sparse: true };
}
