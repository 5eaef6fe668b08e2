import { isJdbxError, open as openStore } from '../../dist/index.js';
import { CASE_ID, renameFilter, renameKeys, storeId, toCase } from './case-ids.mjs';
import { toPipeline } from './case-pipeline.mjs';
import { idOf, isReplacement, toStages, toUpdate } from './case-update.mjs';

/**
 * What the conformance runner calls, over the built package and its public door.
 * One store in memory serves all cases of a process; each case has types of its own.
 */
let store;
let opened = 0;

export async function open() {
  store ??= await openStore(':memory:', { resume: false, workers: 1, logCommits: 10 });
  return new CaseStore(store, `case${++opened}`);
}

class CaseStore {
  #db;
  #name;
  #made = 0;
  #types = new Set();
  #indexes = new Map();

  constructor(db, name) {
    this.#db = db;
    this.#name = name;
  }

  #type = (collection) => {
    const type = `${this.#name}_${collection}`;
    this.#types.add(type);
    return type;
  };

  async insert(collection, documents) {
    const type = this.#type(collection);
    const stored = documents.map((document) => this.#toStored(document, type));
    try {
      await this.#db.insert(stored);
      return { n: stored.length };
    } catch (error) {
      if (!isJdbxError(error, 'DUPLICATE_ID', 'DUPLICATE_KEY')) throw error;
      return this.#insertEach(stored, error);
    }
  }

  /** Our insert is all or nothing; MongoDB's stops at the document that it refuses. */
  async #insertEach(stored) {
    for (const [index, document] of stored.entries()) {
      try {
        await this.#db.insert(document);
      } catch (error) {
        if (!isJdbxError(error, 'DUPLICATE_ID', 'DUPLICATE_KEY')) throw error;
        return { n: index, writeErrors: [{ index, code: 11000 }] };
      }
    }
    return { n: stored.length };
  }

  #toStored(document, type) {
    const { _id = this.#madeId(), ...rest } = document;
    if (Array.isArray(_id) || _id instanceof RegExp) throw new Error('an _id of this kind');
    return { ...rest, _id: storeId(type, _id), _type: type, [CASE_ID]: _id };
  }

  #madeId() {
    return `made:${String(++this.#made).padStart(6, '0')}`;
  }

  async createIndex(collection, pairs, options = {}) {
    const type = this.#type(collection);
    const { name, partialFilterExpression: partial, ...rest } = options;
    const key = renameKeys(Object.fromEntries(pairs));
    const id = `index:${type}.${name ?? pairs.flat().join('_')}`;
    const index = { _id: id, _type: 'index', type, key, ...rest };
    if (partial !== undefined) index.partial = renameFilter(partial);
    const known = this.#indexes.get(id);
    if (known === JSON.stringify(index)) return;
    await this.#db.insert(index);
    this.#indexes.set(id, JSON.stringify(index));
  }

  async dropIndex(collection, names) {
    const type = this.#type(collection);
    for (const name of [names].flat()) {
      const every = name === '*';
      const gone = [...this.#indexes].flatMap(([id, text]) =>
        every || id === `index:${type}.${name}` || hasKey(text, name) ? [id] : [],
      );
      if (typeof name === 'object' && gone.length > 1)
        throw new Error('several indexes of this key');
      if (gone.length === 0 && !every) throw new Error(`no index ${String(name)}`);
      for (const id of gone) {
        await this.#db.remove(id);
        this.#indexes.delete(id);
      }
    }
  }

  async find(collection, filter, { sort, skip, limit, projection } = {}) {
    const found = this.#db.query({
      $and: [{ _type: this.#type(collection) }, renameFilter(filter)],
    });
    const sorted = sort === undefined ? found : found.sort(renameKeys(sort));
    const skipped = skip === undefined ? sorted : sorted.skip(skip);
    // A negative limit is the wire protocol's way to ask for one batch.
    const limited = limit === undefined ? skipped : skipped.limit(limit);
    const documents = await (projection === undefined
      ? limited
      : limited.project(toProjection(projection))
    ).toArray();
    return documents.map(toOwn);
  }

  async aggregate(collection, stages, { collectionless } = {}) {
    const alone = collectionless || (Array.isArray(stages) && stages[0]?.$documents !== undefined);
    const pipeline = toPipeline(stages, this.#type(collection), this.#type, alone);
    return toCase(await this.#db.aggregate(pipeline));
  }

  async update(collection, query, update, options = {}) {
    const { upsert, multi, arrayFilters, sort } = options;
    const type = this.#type(collection);
    if (isReplacement(update)) return this.#replace(type, query, update, options);
    if (Array.isArray(update) && !upsert) return this.#updateByStages(type, query, update, options);
    const target = sort
      ? await this.#firstOf(type, query, sort)
      : { ...this.#target(query, type, upsert) };
    const collectionOf = this.#db.collection(type);
    const result = await collectionOf.update(
      target,
      this.#withCaseId(update, query, type, upsert),
      {
        many: multi === true,
        upsert: upsert === true,
        arrayFilters,
      },
    );
    return this.#toResult(result);
  }

  /** Document by document, so that each keeps its id through whatever the stages do. */
  async #updateByStages(type, query, stages, { multi, sort }) {
    const cursor = this.#db.query({ $and: [{ _type: type }, renameFilter(query)] });
    const sorted = sort ? cursor.sort(renameKeys(sort)) : cursor;
    const found = await (multi ? sorted : sorted.limit(1)).toArray();
    let modifiedCount = 0;
    for (const document of found) {
      const update = toStages(stages, document[CASE_ID]);
      modifiedCount += (await this.#db.update({ _id: document._id }, update)).modified;
    }
    return { matchedCount: found.length, modifiedCount };
  }

  async #firstOf(type, query, sort) {
    const found = await this.#db
      .collection(type)
      .query(renameFilter(query))
      .sort(renameKeys(sort))
      .first();
    return found ? { _id: found._id, ...renameFilter(query) } : renameFilter(query);
  }

  /** An upsert by `_id` holds the store's id too, so that it makes the document under it. */
  #target(query, type, upsert) {
    const id = upsert ? idOf(query) : undefined;
    const filter = renameFilter(query);
    return id === undefined ? filter : { ...filter, _id: storeId(type, id) };
  }

  /** A document that an upsert makes without saying its `_id` gets one here. */
  #withCaseId(update, query, type, upsert) {
    if (Array.isArray(update)) return toStages(update, idOf(query) ?? this.#madeId());
    const out = toUpdate(update, type);
    const known = idOf(query) !== undefined || update?.$setOnInsert?._id !== undefined;
    if (!upsert || known) return out;
    const id = this.#madeId();
    return { ...out, $setOnInsert: { ...out.$setOnInsert, [CASE_ID]: id } };
  }

  async #toResult({ matched, modified, upserted }) {
    if (upserted === undefined) return { matchedCount: matched, modifiedCount: modified };
    const made = await this.#db.get(upserted);
    return { matchedCount: 0, modifiedCount: 0, upsertedCount: 1, upsertedId: made[CASE_ID] };
  }

  /** Replacing is `put` here. */
  async #replace(type, query, document, { upsert, multi, sort, arrayFilters }) {
    if (multi || arrayFilters) throw new Error('a replacement is of one document');
    return this.#db.transaction(async (transaction) => {
      const found = transaction.query({ $and: [{ _type: type }, renameFilter(query)] });
      const before = await (sort ? found.sort(renameKeys(sort)) : found).first();
      if (!before && !upsert) return { matchedCount: 0, modifiedCount: 0 };
      if (!before) return this.#insertReplacement(transaction, type, query, document);
      const { _id = before[CASE_ID], ...rest } = document;
      if (storeId(type, _id) !== before._id) throw new Error('an _id cannot be changed');
      const same = JSON.stringify(toOwn(before)) === JSON.stringify({ ...rest, _id });
      if (!same)
        await transaction.put({
          ...rest,
          _id: before._id,
          _type: type,
          [CASE_ID]: before[CASE_ID],
        });
      return { matchedCount: 1, modifiedCount: same ? 0 : 1 };
    });
  }

  async #insertReplacement(transaction, type, query, document) {
    const id = idOf(query) ?? document._id;
    const made = this.#toStored(id === undefined ? document : { ...document, _id: id }, type);
    if (document._id !== undefined && storeId(type, document._id) !== made._id)
      throw new Error('an _id cannot be changed');
    await transaction.insert(made);
    return { matchedCount: 0, modifiedCount: 0, upsertedCount: 1, upsertedId: made[CASE_ID] };
  }

  async delete(collection, query, { multi } = {}) {
    const { removed } = await this.#db
      .collection(this.#type(collection))
      .remove(renameFilter(query), { many: multi === true });
    return { deletedCount: removed };
  }

  /** Indexes go with their case, so that the store stays small. */
  async close() {
    for (const id of this.#indexes.keys()) await this.#db.remove(id);
    for (const type of this.#types) await this.#db.remove({ _type: type }, { many: true });
  }
}

/** The case's `_id` comes along as ours does: unless it is left out. */
function toProjection(projection) {
  const { _id, ...rest } = projection;
  const leavesOut = Object.values(rest).some((value) => value === 0 || value === false);
  const includes = Object.values(rest).some((value) => isIncluding(value, leavesOut));
  const off = _id === 0 || _id === false;
  if (includes || (_id !== undefined && !off && !leavesOut)) {
    return off ? { ...rest } : { ...rest, [CASE_ID]: _id ?? 1 };
  }
  return off ? { ...rest, [CASE_ID]: 0 } : rest;
}

function isIncluding(value, leavesOut) {
  if (typeof value !== 'object' || value === null) return value !== 0 && value !== false;
  if ('$elemMatch' in value) return !leavesOut;
  return !('$slice' in value);
}

/** True for an index of exactly these paths and directions. */
function hasKey(text, key) {
  return typeof key === 'object' && JSON.stringify(JSON.parse(text).key) === JSON.stringify(key);
}

/** A document that a find gave, without what is ours. */
function toOwn({ _id, _type, _rev, ...rest }) {
  return toCase({ ...rest });
}
