import { contentHash } from '../../base/canonical.js';
import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { ValueObject } from '../../base/values.js';
import type { Draft } from '../../documents/draft.js';
import { takeDocument } from '../../documents/take-document.js';
import type { ModelRequest, SemanticRule } from '../contract.js';
import type { Embedder } from '../embeddings/embedder.js';
import { requestHash } from '../request-hash.js';
import { type Calibration, calibrationId, similarityOf } from './calibration.js';
import { entryId, fromBytes, isTrusted, type SemanticEntry, TRIALS_MAX, toBytes } from './entry.js';

/** Entries of one scope that a question is compared with, the newest. */
const ENTRIES_MAX = 2_000;

export interface SemanticDeps {
  /** @throws {JdbxError} MISSING_DOCUMENT, CREDENTIAL_MISSING, INVALID_INTEGRATION */
  embedder(id: string): Embedder;
  get(id: string): Document | undefined;
  /** The newest entries of a scope. */
  entries(scope: string, limit: number): Promise<readonly SemanticEntry[]>;
}

/** The question of a request, apart from what has to be equal. */
export interface Question {
  readonly text: string;
  readonly scope: string;
}

/** A question's vector, and the entry next to it. */
export interface Neighbour {
  readonly vector: Float32Array;
  readonly nearest?: { readonly entry: SemanticEntry; readonly similarity: number } | undefined;
  /** The entry's answer may be given. */
  readonly isTrusted: boolean;
}

/**
 * The question of a request: its last message, where that is the user's and nothing but text.
 * All else is the scope: only questions that differ in nothing else are compared. Undefined
 * where there is no such question; what tools are called for is never answered by likeness.
 */
export function questionOf(
  { _id, _rev }: Document,
  request: ModelRequest,
  { id }: Embedder,
  also?: ValueObject,
): Question | undefined {
  const last = request.messages.at(-1);
  const isPlain = last?.role === 'user' && typeof last.content === 'string';
  if (!isPlain || (request.tools?.length ?? 0) > 0) return undefined;
  const others = { ...request, messages: request.messages.slice(0, -1) };
  const scope = contentHash([_id, _rev, also ?? null, id, requestHash(others)]);
  return { text: last.content as string, scope };
}

/**
 * @throws {JdbxError} INVALID_INTEGRATION for an embedder that compares words: "allowed" and
 * "not allowed" are near each other there
 */
function checkKind({ id, kind }: Embedder, { lexical }: SemanticRule): void {
  if (kind === 'semantic' || lexical === true) return;
  const text = `expected an embedder of meanings, ${id} compares words; "lexical": true takes it`;
  throw new JdbxError('INVALID_INTEGRATION', text, { path: 'response_cache.semantic.embedder' });
}

/** Finds kept answers to questions that mean the same. */
export class SemanticCache {
  readonly #deps: SemanticDeps;

  constructor(deps: SemanticDeps) {
    this.#deps = deps;
  }

  /** @throws {JdbxError} as `SemanticDeps.embedder`, and INVALID_INTEGRATION for one of words */
  embedder(rule: SemanticRule): Embedder {
    const embedder = this.#deps.embedder(rule.embedder);
    checkKind(embedder, rule);
    return embedder;
  }

  async find(embedder: Embedder, { scope }: Question, vector: Float32Array): Promise<Neighbour> {
    let nearest: Neighbour['nearest'];
    for (const entry of await this.#deps.entries(scope, ENTRIES_MAX)) {
      const similarity = similarityOf(vector, fromBytes(entry.vector));
      if (similarity > (nearest?.similarity ?? -1)) nearest = { entry, similarity };
    }
    const calibration = this.#deps.get(calibrationId(embedder.id)) as Calibration | undefined;
    const trusted =
      nearest && calibration && isTrusted(nearest.similarity, nearest.entry, calibration);
    return { vector, nearest, isTrusted: trusted ?? false };
  }

  /** The write that keeps a question, for the commit that keeps its answer. */
  keep({ scope }: Question, vector: Float32Array, from: string): (draft: Draft) => void {
    return (draft) => {
      const at = new Date(draft.at).toISOString();
      const facts = { _id: entryId(from), _type: 'semantic_entry', scope, from, at };
      const entry = { ...facts, vector: toBytes(vector), agreed: [], disagreed: [] };
      draft.put(takeDocument(entry as unknown as NewDocument));
    };
  }

  /** The write that remembers how an entry's answer compared with a fresh one. */
  learn(id: string, similarity: number, agrees: boolean): (draft: Draft) => void {
    return (draft) => {
      const found = draft.get(id) as SemanticEntry | undefined;
      if (!found) return;
      const { _rev, ...entry } = found;
      const field = agrees ? 'agreed' : 'disagreed';
      const trials = [...entry[field], similarity].slice(-TRIALS_MAX);
      draft.put(takeDocument({ ...entry, [field]: trials } as unknown as NewDocument));
    };
  }

  /** The write that takes an entry away whose answer is gone. */
  forget(id: string): (draft: Draft) => void {
    return (draft) => {
      draft.remove(id);
    };
  }
}
