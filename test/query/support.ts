import { encodeKey } from '#jdbx/base/key-bytes.js';
import { takeValue, type ValueObject } from '#jdbx/base/values.js';
import type { IndexChange, OrderedIndex } from '#jdbx/indexes/contract.js';
import { createPortableIndex } from '#jdbx/indexes/portable.js';
import type {
  DocumentBody,
  IndexDefinition,
  PlannableIndex,
  Query,
  QuerySource,
} from '#jdbx/query/contract.js';
import { run } from '#jdbx/query/execute.js';
import { type Explanation, explain } from '#jdbx/query/explain.js';
import { readIndexDocument } from '#jdbx/query/index-definition.js';
import { indexKeys } from '#jdbx/query/index-keys.js';
import { plan } from '#jdbx/query/plan.js';
import { PlanCache } from '#jdbx/query/prepared/plan-cache.js';

interface LiveIndex {
  readonly definition: IndexDefinition;
  readonly index: OrderedIndex;
  multikey: boolean;
}

/** A store in memory: enough of the floor above to hand a `QuerySource` to queries. */
export class MemorySource implements QuerySource {
  readonly keysSuffice = true;
  seq = 0;
  readonly typeIndex = createPortableIndex();
  readonly #documents = new Map<number, DocumentBody>();
  readonly #refs = new Map<string, number>();
  readonly #indexes: LiveIndex[] = [];
  /** The same list as long as no index is added, as kept plans want it. */
  readonly #byType = new Map<string, readonly LiveIndex[]>();
  readonly #aliases = new Map<string, readonly string[]>();

  get documents(): readonly DocumentBody[] {
    return [...this.#documents.values()];
  }

  alias(type: string, ...others: string[]): void {
    this.#aliases.set(type, others);
  }

  addIndex(name: string, type: string, key: object, options: object = {}): void {
    const definition = readIndexDocument({ _id: name, _type: 'index', type, key, ...options });
    const live: LiveIndex = { definition, index: createPortableIndex(), multikey: false };
    this.#indexes.push(live);
    this.#byType.clear();
    this.seq++;
    for (const [ref, document] of this.#documents) this.#reindex(live, ref, undefined, document);
  }

  put(input: object): DocumentBody {
    const document = takeValue(input) as DocumentBody;
    this.#replace(document._id, document);
    return document;
  }

  remove(id: string): void {
    this.#replace(id, undefined);
  }

  #replace(id: string, after: DocumentBody | undefined): void {
    let ref = this.#refs.get(id);
    if (ref === undefined) {
      ref = this.#refs.size + 1;
      this.#refs.set(id, ref);
    }
    const before = this.#documents.get(ref);
    this.seq++;
    for (const live of this.#indexes) this.#reindex(live, ref, before, after);
    this.typeIndex.apply(changes(ref, typeKeys(before), typeKeys(after)), this.seq);
    if (after) this.#documents.set(ref, after);
    else this.#documents.delete(ref);
  }

  #reindex(live: LiveIndex, ref: number, before?: DocumentBody, after?: DocumentBody): void {
    const keysOf = (document: DocumentBody | undefined) =>
      document?._type === live.definition.type ? indexKeys(live.definition, document) : undefined;
    const next = keysOf(after);
    live.multikey ||= next?.multikey === true;
    live.index.apply(changes(ref, keysOf(before)?.keys ?? [], next?.keys ?? []), this.seq);
  }

  indexesOf(type: string): readonly PlannableIndex[] {
    const same = this.#byType.get(type);
    if (same) return same;
    const found = this.#indexes.filter((live) => live.definition.type === type);
    this.#byType.set(type, found);
    return found;
  }

  load(ref: number): DocumentBody | undefined {
    return this.#documents.get(ref);
  }

  refOf(id: string): number | undefined {
    return this.#refs.get(id);
  }

  resolveTypes(type: string): readonly string[] {
    return [type, ...(this.#aliases.get(type) ?? [])];
  }

  find(query: Query): ValueObject[] {
    return [...run(plan(query, this), this)];
  }

  ids(query: Query): unknown[] {
    return this.find(query).map((document) => document._id);
  }

  explain(query: Query): Explanation {
    return explain(plan(query, this), this);
  }
}

/** A store that keeps plans. */
export class PlannedSource extends MemorySource {
  readonly plans = new PlanCache();
  answered = 0;

  loadAll(refs: Uint32Array, count: number): DocumentBody[] {
    return [...refs.subarray(0, count)]
      .map((ref) => this.load(ref))
      .filter((document) => document !== undefined);
  }

  ask(query: Query): unknown[] {
    const known = this.plans.find(query, this);
    if (known) this.answered++;
    return (known ?? this.find(query)).map(({ _id }) => _id);
  }
}

function typeKeys(document: DocumentBody | undefined): readonly Uint8Array[] {
  return document ? [encodeKey([document._type, document._id])] : [];
}

function changes(
  ref: number,
  before: readonly Uint8Array[],
  after: readonly Uint8Array[],
): IndexChange[] {
  const text = (key: Uint8Array) => Buffer.from(key).toString('hex');
  const kept = new Set(after.map(text));
  const had = new Set(before.map(text));
  return [
    ...before
      .filter((key) => !kept.has(text(key)))
      .map((key) => ({ kind: 'remove' as const, key, ref })),
    ...after
      .filter((key) => !had.has(text(key)))
      .map((key) => ({ kind: 'insert' as const, key, ref })),
  ];
}
