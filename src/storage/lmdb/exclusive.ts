import type { RootDatabase } from 'lmdb';
import { JdbxError } from '../../base/errors.js';

/**
 * Takes a store for this opener alone, or refuses. LMDB's reader table tells
 * which processes have it open, and drops those that ended (it asks the kernel,
 * through a file lock, so a killed process never leaves the store locked).
 *
 * An engine always holds a snapshot, so it always has a line in the table; a line
 * of this very process that is there before ours belongs to another engine in it,
 * in any of its threads. Two processes that open at the same moment may both be
 * refused; never both let in.
 *
 * @returns gives the place in the table back
 * @throws {JdbxError} STORE_IN_USE
 */
export function takeExclusively(root: RootDatabase, path: string): () => void {
  root.readerCheck();
  if (readerPids(root).includes(process.pid)) refuse(path, 'this process');
  const place = root.useReadTransaction();
  const other = readerPids(root).find((pid) => pid !== process.pid);
  if (other !== undefined) {
    place.done();
    refuse(path, `process ${other}`);
  }
  return () => place.done();
}

/**
 * Takes part in a store that others may have open as well, if they share it by the same
 * rules: everyone in the reader table must be known in the shared page. An opener without
 * the native part is not; it has the store alone. As above, two that open at the same
 * moment may both be refused, never both let in.
 *
 * @param known the pids in the shared page; asked after this opener's line is in the table
 * @throws {JdbxError} STORE_IN_USE
 */
export function takePart(root: RootDatabase, path: string, known: () => number[]): () => void {
  const place = root.useReadTransaction();
  // Who died while it was looked at is out of the table when it is looked at again.
  const stranger = findStranger(root, known) && findStranger(root, known);
  if (stranger !== undefined) {
    place.done();
    refuse(path, `process ${stranger}, which does not share it,`);
  }
  return () => place.done();
}

function findStranger(root: RootDatabase, known: () => number[]): number | undefined {
  root.readerCheck();
  const here = readerPids(root);
  const pids = new Set(known());
  return here.find((pid) => !pids.has(pid));
}

function refuse(path: string, who: string): never {
  throw new JdbxError('STORE_IN_USE', `expected no other user of ${path}, but ${who} has it open`);
}

/** Lines of the table read `pid thread txnid`, after a heading. */
function readerPids(root: RootDatabase): number[] {
  return root
    .readerList()
    .split('\n')
    .map((line) => Number(line.trim().split(/\s+/)[0]))
    .filter((pid) => Number.isInteger(pid) && pid > 0);
}
