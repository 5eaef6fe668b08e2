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
    // The command carries one document at least; our verb takes an empty list for what it is.
    if (documents.length === 0) throw new TypeError('expected documents to insert');
    const type = this.#type(collection);
    const stored = documents.map((document) => this.#toStored(document, type));
    try {
      await this.#db.insert(stored);
      return { n: stored.length };
    } catch (error) {
      if (writeErrorCode(error) === undefined) throw error;
      return this.#insertEach(stored);
    }
  }

  /** Our insert is all or nothing; MongoDB's stops at the document that it refuses. */
  async #insertEach(stored) {
    for (const [index, document] of stored.entries()) {
      try {
        await this.#db.insert(document);
      } catch (error) {
        const code = writeErrorCode(error);
        if (code === undefined) throw error;
        return { n: index, writeErrors: [{ index, code }] };
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
    // The command must name its index; a case's own set-up may leave the name out.
    if ('name' in options && (typeof name !== 'string' || ['', '*'].includes(name)))
      throw new TypeError('an index needs a name');
    for (const option of Object.keys(rest))
      if (!INDEX_OPTIONS.has(option)) throw new TypeError(`unknown option ${option}`);
    const key = keyOf(pairs);
    const index = { _type: 'index', type, key, ...rest };
    if (partial !== undefined) index.partial = key._id ? partial : renameFilter(partial);
    const text = JSON.stringify(index);
    const _id = `index:${type}.${name ?? this.#freeName(type, pairs.flat().join('_'), text)}`;
    if (this.#indexes.get(_id) === text) return;
    await this.#db.insert({ _id, ...index });
    this.#indexes.set(_id, text);
  }

  /** The default name of an index; where another one has it, the data left a name out. */
  #freeName(type, name, text) {
    const known = this.#indexes.get(`index:${type}.${name}`);
    return known === undefined || known === text ? name : this.#freeName(type, `${name}_`, text);
  }

  async dropIndex(collection, names) {
    const type = this.#type(collection);
    const gone = [names].flat().map((name) => [name, this.#named(type, name)]);
    for (const [name, ids] of gone) {
      if (ids.length === 0 && name !== '*') throw new Error(`no index ${String(name)}`);
      if (typeof name === 'object' && ids.length > 1) throw new Error('several of this key');
    }
    for (const id of gone.flatMap(([, ids]) => ids)) {
      await this.#db.remove(id);
      this.#indexes.delete(id);
    }
  }

  /** The indexes of a name, of a key, or all. */
  #named(type, name) {
    return [...this.#indexes].flatMap(([id, text]) =>
      name === '*' || id === `index:${type}.${name}` || hasKey(text, name) ? [id] : [],
    );
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
    return toReply(documents.map(toOwn));
  }

  async aggregate(collection, stages, { collectionless } = {}) {
    const pipeline = toPipeline(stages, this.#type(collection), this.#type, collectionless);
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
    // The upsert itself says whether the filter contradicts itself; what it made gives way.
    const options = { upsert: true };
    const target = { ...renameFilter(query), _id: made._id, _type: type };
    await transaction.update(target, { $setOnInsert: { [CASE_ID]: made[CASE_ID] } }, options);
    await transaction.put(made);
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

/** Options of `createIndexes`; an index document may hold more fields than these. */
const INDEX_OPTIONS = new Set(
  (
    'unique sparse hidden expireAfterSeconds collation wildcardProjection weights bits min max ' +
    'default_language language_override textIndexVersion 2dsphereIndexVersion background v storageEngine'
  ).split(' '),
);

/** MongoDB's number of an error that refuses one document of an insert. */
function writeErrorCode(error) {
  if (isJdbxError(error, 'DUPLICATE_ID', 'DUPLICATE_KEY')) return 11000;
  return isJdbxError(error, 'INVALID_DOCUMENT') ? GEOMETRY_CODES[error.details?.index] : undefined;
}

const GEOMETRY_CODES = { '2dsphere': 16755, '2d': 13027 };

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
  // `$slice` of numbers is the find's own operator; of anything else it is an expression.
  return (
    !('$slice' in value) || (Array.isArray(value.$slice) && typeof value.$slice[0] !== 'number')
  );
}

/** An index of `_id` alone is one of ours; in any other key the case's `_id` counts. */
function keyOf(pairs) {
  const key = Object.fromEntries(pairs);
  return Object.keys(key).join() === '_id' ? key : renameKeys(key);
}

/** True for an index of exactly these paths and directions. */
function hasKey(text, key) {
  return typeof key === 'object' && JSON.stringify(JSON.parse(text).key) === JSON.stringify(key);
}

/** Some cases look at the documents inside the command's raw reply. */
function toReply(documents) {
  return Object.defineProperty(documents, 'cursor', { value: { firstBatch: documents } });
}

/** A document that a find gave, without what is ours. */
function toOwn({ _id, _type, _rev, ...rest }) {
  return toCase({ ...rest });
}
