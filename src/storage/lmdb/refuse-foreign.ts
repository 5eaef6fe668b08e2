import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isJdbxError } from '../../base/errors.js';
import { checkFile } from './file-check.js';

/**
 * A first look, before anything is put beside a file that may be someone else's. Whether a
 * file of ours is sound is for a second one, when nobody writes it.
 *
 * @throws {JdbxError} STORE_FOREIGN
 */
export function refuseForeign(directory: string): void {
  const file = join(directory, 'jdbx.mdb');
  try {
    if (existsSync(file)) checkFile(file);
  } catch (error) {
    if (isJdbxError(error, 'STORE_FOREIGN')) throw error;
  }
}
