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
import { Cursor, type QueryRunner } from './cursor.js';
import type { Workspace } from './workspace.js';

/**
 * The verbs inside `db.transaction`: a snapshot plus what the transaction wrote
 * itself. Nothing of it is seen outside until the function returns; if it throws,
 * nothing is written.
 */
export class Transaction {
  readonly #workspace: Workspace;
  readonly #runner: QueryRunner;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
    this.#runner = {
      find: async (query) => workspace.find(query),
      count: async (query) => workspace.count(query),
      explain: async (query) => workspace.explain(query),
      iterate: async function* (query) {
        yield* workspace.find(query);
      },
    };
  }

  /** The commit whose state the transaction reads. */
  get seq(): number {
    return this.#workspace.seq;
  }

  async get<T = Document>(id: string): Promise<T | undefined> {
    return this.#workspace.get(id) as T | undefined;
  }

  async getMany<T = Document>(ids: readonly string[]): Promise<(T | undefined)[]> {
    return this.#workspace.getMany(ids) as (T | undefined)[];
  }

  query<T = Document>(filter: Filter = {}): Cursor<T> {
    return new Cursor<T>(this.#runner, { filter });
  }

  async aggregate<T = Filter>(stages: readonly Filter[]): Promise<T[]> {
    return this.#workspace.aggregate(stages) as T[];
  }

  async insert(document: NewDocument): Promise<Document> {
    return this.#workspace.insert(document);
  }

  async put(document: NewDocument): Promise<Document> {
    return this.#workspace.put(document);
  }

  async update(target: Target, update: Update, options?: UpdateOptions): Promise<UpdateResult> {
    return this.#workspace.update(target, update, options);
  }

  async remove(target: Target, options?: RemoveOptions): Promise<RemoveResult> {
    return this.#workspace.remove(target, options);
  }
}
