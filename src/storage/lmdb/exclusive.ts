import type { RootDatabase } from 'lmdb';
import { JdbxError } from '../../base/errors.js';

/** Stores that this process has open, by real path. LMDB itself would share them silently. */
const openHere = new Set<string>();

/**
 * Takes a store for this process alone, or refuses. LMDB's reader table tells
 * which processes have it open, and drops those that ended (it asks the kernel,
 * through a file lock, so a killed process never leaves the store locked). Two
 * processes that open at the same moment may both be refused; never both let in.
 *
 * @returns gives the store back
 * @throws {JdbxError} STORE_IN_USE
 */
export function takeExclusively(root: RootDatabase, path: string): () => void {
  root.readerCheck();
  root.get(Buffer.from('seq')); // takes a place in the reader table
  const others = readerPids(root.readerList()).filter((pid) => pid !== process.pid);
  if (others.length > 0) refuse(path, `process ${others[0]}`);
  openHere.add(path);
  return () => openHere.delete(path);
}

/** @throws {JdbxError} STORE_IN_USE */
export function checkNotOpenHere(path: string): void {
  if (openHere.has(path)) refuse(path, 'this process');
}

function refuse(path: string, who: string): never {
  throw new JdbxError('STORE_IN_USE', `expected no other user of ${path}, but ${who} has it open`);
}

/** Lines of the table read `pid thread txnid`, after a heading. */
function readerPids(table: string): number[] {
  return table
    .split('\n')
    .map((line) => Number(line.trim().split(/\s+/)[0]))
    .filter((pid) => Number.isInteger(pid) && pid > 0);
}
