import type { RootDatabase } from 'lmdb';
import { JdbxError } from '../../base/errors.js';
import { decodeNamed, encodeNamed } from '../codec.js';
import { textKey } from './keys.js';
import { TABLE_NAMES, type Tables } from './tables.js';

/** Written into every store; a store with another number is refused. */
const FORMAT = 4;

/** @throws {JdbxError} STORE_FOREIGN when an LMDB file holds tables that are not ours */
export function checkTables(root: RootDatabase, path: string): void {
  const ours = new Set<string>(TABLE_NAMES);
  for (const key of root.getKeys()) {
    // LMDB keeps the NUL that ends a table's name.
    const name = Buffer.from(key as Uint8Array)
      .toString('utf8')
      .replace(/\0$/, '');
    if (!ours.has(name)) refuseForeign(path, name);
  }
}

/**
 * Numbers a new store, and reads the number of one that is there.
 *
 * @throws {JdbxError} STORE_TOO_NEW, STORE_FOREIGN
 */
export async function checkFormat(tables: Tables, path: string): Promise<void> {
  const stored = tables.names.get(textKey('format'));
  if (stored === undefined) {
    const filled = TABLE_NAMES.find((name) => tables[name].getKeysCount({ limit: 1 }) > 0);
    if (filled) refuseForeign(path, filled);
    return numberStore(tables);
  }
  const format = decodeNamed(stored);
  if (format === FORMAT) return;
  if (typeof format === 'number' && format < FORMAT) {
    throw new JdbxError('STORE_FOREIGN', `expected format ${FORMAT} in ${path}, got ${format}`);
  }
  throw new JdbxError(
    'STORE_TOO_NEW',
    `expected format ${FORMAT} in ${path}, got ${String(format)}`,
  );
}

/** Writes the number, in a transaction of its own. */
export async function numberStore({ names }: Tables): Promise<void> {
  await names.put(textKey('format'), encodeNamed(FORMAT));
}

function refuseForeign(path: string, table: string): never {
  throw new JdbxError(
    'STORE_FOREIGN',
    `expected a JDBX store in ${path}, found another LMDB file with ${JSON.stringify(table)}`,
  );
}
