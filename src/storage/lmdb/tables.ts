import type { Database, RootDatabase } from 'lmdb';

/** A table of byte keys and byte values inside one LMDB file. */
export type Table = Database<Uint8Array, Uint8Array>;

export interface Tables {
  readonly root: RootDatabase;
  readonly documents: Table;
  readonly revisions: Table;
  readonly log: Table;
  readonly names: Table;
}

export function openTables(root: RootDatabase): Tables {
  const table = (name: string): Table =>
    root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' });
  return {
    root,
    documents: table('documents'),
    revisions: table('revisions'),
    log: table('log'),
    names: table('names'),
  };
}
