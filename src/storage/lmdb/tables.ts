import type { Database, RootDatabase, Transaction } from 'lmdb';
import { Bodies } from '../bodies/bodies.js';
import { writeIdKey } from './keys.js';

/** A table of byte keys and byte values inside one LMDB file. */
export type Table = Database<Uint8Array, Uint8Array> & FastReads;

/** The library's types leave out the options, which its code takes as `get` does. */
interface FastReads {
  getBinaryFast(
    id: Uint8Array | string,
    options: { transaction: Transaction },
  ): Uint8Array | undefined;
}

/** Part of the stored format. */
export const TABLE_NAMES = [
  'documents',
  'revisions',
  'removals',
  'log',
  'past',
  'shapes',
  'names',
] as const;

export type TableName = (typeof TABLE_NAMES)[number];

export interface Tables extends Readonly<Record<TableName, Table>> {
  readonly root: RootDatabase;
  /** How this opener of the file reads and writes documents. */
  readonly bodies: Bodies;
}

/** @param bodies what this opener knows of them. Default: nothing yet */
export function openTables(root: RootDatabase, bodies: Bodies = new Bodies()): Tables {
  const table = (name: TableName): Table =>
    root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' }) as Table;
  return {
    root,
    bodies,
    // Takes ids as they are, beside their bytes.
    documents: Object.assign(table('documents'), { writeKey: writeIdKey }),
    revisions: table('revisions'),
    removals: table('removals'),
    log: table('log'),
    past: table('past'),
    shapes: table('shapes'),
    names: table('names'),
  };
}
