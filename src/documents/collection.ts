import type { Document, NewDocument } from '../base/document.js';
import type {
  Filter,
  RemoveOptions,
  RemoveResult,
  Target,
  Update,
  UpdateOptions,
  UpdateResult,
} from './contract.js';
import type { Cursor } from './cursor.js';

/** Fields that the store fills in. */
type Stored<T> = T & Document;
type New<T> = Omit<T, '_id' | '_type' | '_rev'> & {
  readonly _id?: string;
  readonly _rev?: number;
};

/** What a collection needs of its database: `Database` is one. */
export interface CollectionHost {
  get<T>(id: string): Promise<T | undefined>;
  query<T>(filter: Filter): Cursor<T>;
  aggregate<R>(stages: readonly Filter[]): Promise<R[]>;
  insert(document: NewDocument): Promise<Document>;
  insert(documents: readonly NewDocument[]): Promise<Document[]>;
  put(document: NewDocument): Promise<Document>;
  update(target: Target, update: Update, options?: UpdateOptions): Promise<UpdateResult>;
  remove(target: Target, options?: RemoveOptions): Promise<RemoveResult>;
  typesOf(type: string): readonly string[];
}

/**
 * The documents of one type: fills `_type` on writes, adds it to filters on
 * reads. Ids stay in the one space of the store.
 */
export class Collection<T extends object = Document> {
  readonly type: string;
  readonly #database: CollectionHost;

  constructor(database: CollectionHost, type: string) {
    this.#database = database;
    this.type = type;
  }

  /** The document, unless it is of another type (an alias of this one counts as this one). */
  async get(id: string): Promise<Stored<T> | undefined> {
    const document = await this.#database.get<Stored<T>>(id);
    return document && this.#database.typesOf(this.type).includes(document._type)
      ? document
      : undefined;
  }

  query(filter: Filter = {}): Cursor<Stored<T>> {
    return this.#database.query<Stored<T>>(this.#scope(filter));
  }

  aggregate<R = Filter>(stages: readonly Filter[]): Promise<R[]> {
    return this.#database.aggregate<R>([{ $match: { _type: this.type } }, ...stages]);
  }

  insert(document: New<T>): Promise<Stored<T>>;
  insert(documents: readonly New<T>[]): Promise<Stored<T>[]>;
  insert(input: New<T> | readonly New<T>[]): Promise<Stored<T> | Stored<T>[]> {
    return Array.isArray(input)
      ? (this.#database.insert(input.map((each) => this.#fill(each))) as Promise<Stored<T>[]>)
      : (this.#database.insert(this.#fill(input as New<T>)) as Promise<Stored<T>>);
  }

  put(document: New<T>): Promise<Stored<T>> {
    return this.#database.put(this.#fill(document)) as Promise<Stored<T>>;
  }

  update(target: Target, update: Update, options?: UpdateOptions): Promise<UpdateResult> {
    return this.#database.update(this.#target(target), update, options);
  }

  remove(target: Target, options?: RemoveOptions): Promise<RemoveResult> {
    return this.#database.remove(this.#target(target), options);
  }

  #target(target: Target): Filter {
    return this.#scope(typeof target === 'string' ? { _id: target } : target);
  }

  #scope(filter: Filter): Filter {
    return '_type' in filter
      ? { $and: [{ _type: this.type }, filter] }
      : { _type: this.type, ...filter };
  }

  #fill(document: New<T>): NewDocument {
    return { ...document, _type: this.type } as NewDocument;
  }
}
