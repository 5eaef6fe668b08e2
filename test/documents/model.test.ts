/**
 * The store against a naive model: a map of documents. Seeded random commands run
 * on both (single writes, groups, transactions, index documents that come and go,
 * new beginnings of the store); after each batch of them every document, queries with random
 * filters and the store's own check must agree with the model.
 */
import { describe, expect, it } from 'vitest';
import { compareValues } from '#jdbx/base/order.js';
import type { Value } from '#jdbx/base/values.js';
import { type Document, type Jdbx, open, type Snapshot } from '#jdbx/index.js';
import { compileFilter } from '#jdbx/query/filter.js';
import { temporaryStore } from '../storage/temporary.js';

const SEEDS = [1, 2, 3, 4];
const BATCHES = 30;
const STEPS = 12;

type Fields = { readonly [name: string]: unknown };
type Model = Map<string, Document>;

describe('the store and a naive model agree', () => {
  it.each(SEEDS)('with seed %d', async (seed) => {
    const walk = new Walk(seed);
    await walk.begin();
    for (let batch = 0; batch < BATCHES; batch++) {
      for (let step = 0; step < STEPS; step++) await walk.step();
      await walk.compare();
    }
    await walk.end();
  });
});

class Walk {
  readonly #random: Random;
  readonly #path = temporaryStore();
  #db!: Jdbx;
  #model: Model = new Map();
  /** Whether the unique index is there. */
  #isUnique = false;
  #old: { readonly snapshot: Snapshot; readonly model: Model } | undefined;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async begin(): Promise<void> {
    const cacheBytes = this.#random.pick([0, 3_000, 2 ** 20]);
    this.#db = await open(this.#path, { cacheBytes, logCommits: 40 });
  }

  async end(): Promise<void> {
    this.#old?.snapshot.close();
    await this.#db.close();
  }

  async step(): Promise<void> {
    const steps = [
      () => this.#put(),
      () => this.#put(),
      () => this.#insert(),
      () => this.#update(),
      () => this.#removeMany(),
      () => this.#together(),
      () => this.#transaction(),
      () => this.#transaction(),
      () => this.#index(),
      () => this.#hold(),
      ...(this.#random.below(6) === 0 ? [() => this.#reopen()] : []),
    ];
    await this.#random.pick(steps)();
  }

  async compare(): Promise<void> {
    expect(await this.#db.check()).toMatchObject({ ok: true, problems: [] });
    for (const id of IDS) expect(await this.#db.get(id)).toStrictEqual(this.#model.get(id));
    for (let round = 0; round < 12; round++) {
      const filter = this.#filter();
      const sort = this.#random.pick([
        { n: 1 },
        { n: -1, tag: 1 },
        { _id: 1 },
        { tag: -1 },
      ] as const);
      const cursor = this.#db.query<Document>(filter).sort(sort);
      expect(idsOf(await cursor)).toEqual(scan(this.#model, filter));
      expect(isSorted(await cursor, sort)).toBe(true);
      expect(await cursor.count()).toBe(scan(this.#model, filter).length);
      if (!this.#old) continue;
      const { snapshot, model } = this.#old;
      expect(idsOf(snapshot.query<Document>(filter))).toEqual(scan(model, filter));
    }
  }

  async #put(): Promise<void> {
    const document = this.#document();
    const current = this.#model.get(document._id);
    const stale = this.#random.below(5) === 0;
    const rev = stale ? { _rev: (current?._rev ?? 0) + 1 } : current && { _rev: current._rev };
    const code = stale ? 'CONFLICT' : this.#duplicates([document]);
    await this.#agree(code, this.#db.put({ ...document, ...rev }), () =>
      apply(this.#model, document),
    );
  }

  async #insert(): Promise<void> {
    const documents = [this.#document(), this.#document()];
    const taken = documents.some(({ _id }) => this.#model.has(_id));
    const twice = documents[0]?._id === documents[1]?._id;
    const code = taken || twice ? 'DUPLICATE_ID' : this.#duplicates(documents);
    await this.#agree(code, this.#db.insert(documents), () => {
      for (const document of documents) apply(this.#model, document);
    });
  }

  async #update(): Promise<void> {
    const filter = this.#filter();
    const found = scan(this.#model, filter);
    const { modified } = await this.#db.update(filter, { $inc: { hits: 1 } }, { many: true });
    expect(modified).toBe(found.length);
    for (const id of found) {
      const { hits = 0, ...rest } = this.#model.get(id) as Document & { hits?: number };
      apply(this.#model, { ...rest, hits: hits + 1 });
    }
  }

  async #removeMany(): Promise<void> {
    const filter = { $and: [this.#filter(), { n: { $mod: [4, this.#random.below(4)] } }] };
    const found = scan(this.#model, filter);
    expect(await this.#db.remove(filter, { many: true })).toEqual({ removed: found.length });
    for (const id of found) this.#model.delete(id);
  }

  /** Writes of one turn share a batch; the model does them one after the other. */
  async #together(): Promise<void> {
    const documents = Array.from({ length: 5 }, () => this.#document());
    await Promise.all(
      documents.map((document) => {
        const code = this.#duplicates([document]);
        const done = this.#db.put(document);
        if (code === undefined) apply(this.#model, document);
        return this.#agree(code, done, () => {});
      }),
    );
  }

  async #transaction(): Promise<void> {
    const model: Model = new Map(this.#model);
    const fails = this.#random.below(4) === 0;
    const work = this.#db.transaction(async (tx) => {
      for (let write = 0; write < 4; write++) {
        const document = this.#document();
        if (this.#random.below(3) === 0) {
          await tx.remove(document._id);
          model.delete(document._id);
        } else {
          await tx.put(document);
          put(model, document, this.#model.get(document._id)?._rev ?? 0);
        }
        const filter = this.#filter();
        expect(idsOf(await tx.query<Document>(filter))).toEqual(scan(model, filter));
        const [first] = await tx.query<Document>({ _type: 'a' }).sort({ n: 1 }).limit(1);
        expect(first === undefined).toBe(scan(model, { _type: 'a' }).length === 0);
      }
      if (fails) throw new Error('mine');
    });
    const outcome = await work.then(
      () => undefined,
      (error) => error.code ?? error.message,
    );
    const refused = this.#isUnique && hasDuplicates(model) ? 'DUPLICATE_KEY' : undefined;
    expect(outcome).toBe(fails ? 'mine' : refused);
    if (outcome === undefined) this.#model = model;
  }

  async #index(): Promise<void> {
    const { document, remove } = this.#random.pick(INDEXES);
    if (remove) await this.#db.remove(document._id);
    else {
      const isBroken = document.unique === true && hasDuplicates(this.#model);
      await this.#agree(isBroken ? 'DUPLICATE_KEY' : undefined, this.#db.put(document), () => {});
      if (isBroken) return;
    }
    if (document.unique === true) this.#isUnique = !remove;
  }

  async #hold(): Promise<void> {
    this.#old?.snapshot.close();
    this.#old = { snapshot: this.#db.snapshot(), model: new Map(this.#model) };
  }

  async #reopen(): Promise<void> {
    this.#old = undefined;
    await this.#db.close();
    await this.begin();
  }

  async #agree(code: string | undefined, work: Promise<unknown>, then: () => void): Promise<void> {
    const outcome = await work.then(
      () => undefined,
      (error: { code?: string }) => error.code ?? error,
    );
    expect(outcome).toBe(code);
    if (outcome === undefined) then();
  }

  /** What the unique index says to these. */
  #duplicates(documents: readonly Fields[]): string | undefined {
    const next: Model = new Map(this.#model);
    for (const document of documents) apply(next, document as Fields & { _id: string });
    return this.#isUnique && hasDuplicates(next) ? 'DUPLICATE_KEY' : undefined;
  }

  #document(): Fields & { readonly _id: string; readonly _type: string } {
    const random = this.#random;
    const fields: Record<string, unknown> = { n: random.below(12) };
    if (random.below(3) > 0) fields.tag = random.pick(['x', 'y', null, 7, ['x', 'z'], ['y', 7]]);
    if (random.below(4) === 0) fields.when = new Date(random.below(5));
    if (random.below(5) === 0) fields.key = random.below(40);
    return { _id: random.pick(IDS), _type: random.pick(['a', 'a', 'b']), ...fields };
  }

  #filter(): Fields {
    const random = this.#random;
    const tests: Fields[] = [
      { n: random.below(12) },
      { n: { $gte: random.below(12) } },
      { n: { $gt: random.below(6), $lt: 6 + random.below(6) } },
      { n: { $in: [random.below(12), random.below(12)] } },
      { n: { $ne: random.below(12) } },
      { tag: random.pick(['x', 'y', 7, null]) },
      { tag: { $exists: random.below(2) === 0 } },
      { when: { $lte: new Date(random.below(5)) } },
      { $or: [{ n: random.below(12) }, { tag: 'z' }] },
      { key: { $gt: random.below(40) } },
      { _id: { $in: [random.pick(IDS), random.pick(IDS)] } },
    ];
    const type = random.pick([{ _type: 'a' }, { _type: 'b' }, { _type: { $in: ['a', 'b'] } }]);
    return { ...type, ...random.pick(tests), ...(random.below(2) === 0 ? random.pick(tests) : {}) };
  }
}

const IDS = Array.from({ length: 40 }, (_, at) => `d${at}`);

const index = (name: string, key: object, more: object = {}) => ({
  _id: `index:${name}`,
  _type: 'index',
  type: 'a',
  key,
  unique: false,
  ...more,
});

const DEFINITIONS = [
  index('n', { n: 1 }),
  index('tag', { tag: 1, n: -1 }),
  index('when', { when: -1 }, { sparse: true }),
  index('part', { n: 1 }, { partial: { tag: 'x' } }),
  index('n', { n: -1, tag: 1 }),
  index('b', { n: 1 }, { type: 'b' }),
  index('tag', { tag: 1 }, { type: 'b' }),
  index('key', { key: 1 }, { unique: true, sparse: true }),
];

const INDEXES = DEFINITIONS.flatMap((document) => [
  { document, remove: false },
  { document, remove: false },
  { document, remove: true },
]);

function apply(model: Model, document: Fields & { readonly _id: string }): void {
  put(model, document, model.get(document._id)?._rev ?? 0);
}

function put(model: Model, document: Fields & { readonly _id: string }, rev: number): void {
  const { _id, _type, ...rest } = document;
  model.set(_id, { _id, _type, ...rest, _rev: rev + 1 } as unknown as Document);
}

function hasDuplicates(model: Model): boolean {
  const keys = [...model.values()].filter(({ _type, key }) => _type === 'a' && key !== undefined);
  return new Set(keys.map(({ key }) => key)).size < keys.length;
}

function scan(model: Model, filter: Fields): string[] {
  return idsOf([...model.values()].filter(compileFilter(filter)));
}

function idsOf(documents: readonly Document[]): string[] {
  return documents.map(({ _id }) => _id).sort();
}

function isSorted(documents: readonly Document[], sort: Readonly<Record<string, 1 | -1>>): boolean {
  // Arrays sort by their least or greatest element; the query floor's own tests judge that.
  const plain = documents.filter(({ tag }) => !Array.isArray(tag));
  return plain.every(
    (document, at) => at === 0 || ordered(plain[at - 1] as Document, document, sort),
  );
}

function ordered(left: Document, right: Document, sort: Readonly<Record<string, 1 | -1>>): boolean {
  for (const [path, direction] of Object.entries(sort)) {
    const order = compareValues((left[path] ?? null) as Value, (right[path] ?? null) as Value);
    if (order !== 0) return order * direction < 0;
  }
  return true;
}

/** A small seeded generator (mulberry32), so that a failure comes back with its seed. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 0x9e3779b9;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
