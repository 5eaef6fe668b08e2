import type { NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { type TakenDocument, takeDocument } from '../take-document.js';
import type { ImportOptions, ImportTarget, Row } from './contract.js';
import { malformed, placed } from './faults.js';
import { toDocument } from './to-document.js';

/** A row that may be written. */
export interface Prepared {
  readonly line: number;
  readonly size: number;
  readonly taken: TakenDocument;
}

/**
 * Turns the rows of one pass into documents that keep every rule a document can be held to
 * without the store. Remembers the ids of the text, to find one that stands there twice.
 */
export class Preparer {
  readonly #target: ImportTarget;
  readonly #options: ImportOptions;
  readonly #lines = new Map<string, number>();
  /** Audit documents that were left out. */
  skipped = 0;

  constructor(target: ImportTarget, options: ImportOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** Undefined for a row that is left out. @throws {JdbxError} with the line in its details */
  prepare(row: Row): Prepared | undefined {
    try {
      return this.#prepare(row);
    } catch (error) {
      throw placed(error, { line: row.line });
    }
  }

  #prepare(row: Row): Prepared | undefined {
    const { line, size } = row;
    const document = toDocument(row, this.#options);
    if (document._type === 'audit') {
      this.skipped++;
      return undefined;
    }
    this.#target.check(document);
    const taken = takeDocument(document);
    if (document._id !== undefined) this.#checkOnce(taken.id, line);
    return { line, size, taken };
  }

  #checkOnce(id: string, line: number): void {
    const earlier = this.#lines.get(id);
    if (earlier !== undefined) {
      throw malformed(line, `expected each _id once, ${id} stands on line ${earlier} already`);
    }
    this.#lines.set(id, line);
  }
}

/** What can be said of a document only in view of the store, before it is written. */
export class StoreChecks {
  readonly #target: ImportTarget;
  readonly #mode: ImportOptions['mode'];
  /** The first violation of each type's schema; forgotten when the text brings another schema. */
  readonly #violations = new Map<string, unknown>();
  readonly #ownSchemas = new Set<unknown>();

  constructor(target: ImportTarget, mode: ImportOptions['mode']) {
    this.#target = target;
    this.#mode = mode;
  }

  /** @throws {JdbxError} DUPLICATE_ID in mode `insert` */
  check(prepared: readonly Prepared[]): void {
    const view = this.#mode === 'insert' ? this.#target.view() : undefined;
    try {
      for (const { taken, line } of prepared) {
        if (view?.get(taken.id)) throw duplicate(taken.id, line);
        this.#checkSchema(taken, line);
      }
    } finally {
      view?.close();
    }
  }

  /** @throws {JdbxError} SCHEMA_VIOLATION */
  end(): void {
    for (const violation of this.#violations.values()) throw violation;
  }

  #checkSchema({ id, type, fields }: TakenDocument, line: number): void {
    if (type === 'schema') {
      this.#ownSchemas.add(fields.type);
      this.#violations.delete(String(fields.type));
    }
    if (this.#ownSchemas.has(type) || this.#violations.has(type)) return;
    try {
      this.#target.checkSchema({ ...fields, _id: id, _type: type, _rev: 1 } as NewDocument);
    } catch (error) {
      this.#violations.set(type, placed(error, { line }));
    }
  }
}

function duplicate(id: string, line: number): unknown {
  const error = new JdbxError('DUPLICATE_ID', `expected no document ${id} yet`, {
    operation: 'import',
    details: { id },
  });
  return placed(error, { line });
}
