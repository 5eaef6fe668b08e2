import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { type RetentionPolicy, readRetention } from './retention/definition.js';
import { compileSchema, type SchemaCheck } from './schema.js';

/**
 * What the store's own definition documents say: which types go by other
 * names, which keep their revisions, and what schema a type must follow.
 * Immutable; a commit that changes a definition makes the next catalog.
 *
 *   { _type: 'alias', type: 'pattern', includes: ['code_pattern'] }
 *   { _type: 'versioning', type: 'pattern' }
 *   { _type: 'schema', type: 'pattern', schema: { …JSON Schema… } }
 *   { _type: 'retention', … }                         retention/definition.ts
 *
 * Several definitions for one type add up: all their aliases count, and a
 * document must satisfy every schema. An alias says nothing of the aliases of
 * what it includes.
 */
export class Catalog {
  readonly #definitions: ReadonlyMap<string, Document>;
  readonly #includes = new Map<string, readonly string[]>();
  readonly #versioned = new Set<string>(VERSIONED_BY_DEFAULT);
  readonly #retentions: RetentionPolicy[] = [];
  readonly #schemas = new Map<string, readonly SchemaCheck[]>();

  /** The answer that was given last, as most often again; it begins with the type itself. */
  #last: readonly string[] = [];

  /** @throws {JdbxError} INVALID_DOCUMENT for a definition that cannot be understood */
  constructor(definitions: Iterable<Document> = []) {
    this.#definitions = new Map([...definitions].map((document) => [document._id, document]));
    for (const document of this.#definitions.values()) this.#read(document);
  }

  /** The types of definition documents. */
  static readonly TYPES: readonly string[] = ['alias', 'schema', 'versioning', 'retention'];

  static defines(type: string): boolean {
    return Catalog.TYPES.includes(type);
  }

  /** The catalog after some definitions were put (a document) or removed (undefined). */
  with(changes: Iterable<readonly [id: string, document: Document | undefined]>): Catalog {
    const next = new Map(this.#definitions);
    for (const [id, document] of changes) {
      if (document && Catalog.defines(document._type)) next.set(id, document);
      else next.delete(id);
    }
    return new Catalog(next.values());
  }

  /** The type itself, then the types that an alias says it includes. */
  typesOf(type: string): readonly string[] {
    if (type !== this.#last[0]) this.#last = this.#includes.get(type) ?? [type];
    return this.#last;
  }

  isVersioned(type: string): boolean {
    return this.#versioned.has(type);
  }

  /** @throws {JdbxError} SCHEMA_VIOLATION */
  checkSchema(document: Document): void {
    for (const check of this.#schemas.get(document._type) ?? []) check(document);
  }

  /** The types that include others, each with all that go by its name. */
  get includes(): ReadonlyMap<string, readonly string[]> {
    return this.#includes;
  }

  /** What retention documents ask for, in the order of their ids. */
  get retentions(): readonly RetentionPolicy[] {
    return this.#retentions;
  }

  /** The log's bound in commits, by the strictest retention document. */
  get logNewest(): number {
    return Math.min(...this.#retentions.map(({ log }) => log?.newest ?? Number.POSITIVE_INFINITY));
  }

  #read(document: Document): void {
    if (document._type === 'retention') {
      this.#retentions.push(readRetention(document));
      return;
    }
    const type = requireText(document, 'type');
    if (document._type === 'alias') {
      const known = this.#includes.get(type) ?? [type];
      this.#includes.set(type, [...new Set([...known, ...readIncludes(document)])]);
    }
    if (document._type === 'versioning') this.#versioned.add(type);
    if (document._type === 'schema') {
      this.#schemas.set(type, [...(this.#schemas.get(type) ?? []), compileSchema(document)]);
    }
  }
}

const VERSIONED_BY_DEFAULT = [
  'alias',
  'credential',
  'execution_engine',
  'index',
  'integration',
  'js_transformer',
  'llm_integration',
  'llm_orchestrator',
  'llm_pipeline',
  'llm_provider',
  'pipeline',
  'prompt',
  'prompt_template',
  'resource_pool',
  'retention',
  'schema',
  'transformer',
  'versioning',
];

function requireText(document: Document, field: string): string {
  const value = document[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new JdbxError('INVALID_DOCUMENT', `expected a type's name in ${document._id}`, {
    path: field,
  });
}

function readIncludes(document: Document): string[] {
  const { includes } = document;
  if (Array.isArray(includes) && includes.every((type) => typeof type === 'string')) {
    return includes;
  }
  throw new JdbxError('INVALID_DOCUMENT', `expected an array of types in ${document._id}`, {
    path: 'includes',
  });
}
