import { JdbxError } from '../../base/errors.js';
import { JournalFile } from './journal-file.js';
import { Layer } from './layer.js';
import type { JournalRecord } from './record.js';

/** What an earlier process left in the journal. */
export interface JournalLeft {
  /** The file to go on in: the one with the newer generation. */
  readonly turn: 0 | 1;
  readonly generation: number;
  /** Where that file's last whole record ends. */
  readonly end: number;
  /** What of each file the engine behind does not hold yet. */
  readonly older: Layer;
  readonly active: Layer;
  /** The newest commit, in the engine behind or here. */
  readonly seq: number;
}

/**
 * Reads both files and changes neither.
 *
 * @param behindSeq the newest commit that the engine behind holds
 * @throws {JdbxError} STORE_CORRUPT when a commit is missing
 */
export function readJournal(paths: readonly [string, string], behindSeq: number): JournalLeft {
  const files = paths.map((path) => JournalFile.read(path, behindSeq)) as [
    JournalRecord[],
    JournalRecord[],
  ];
  const turn = generationOf(files[1]) > generationOf(files[0]) ? 1 : 0;
  const older = new Layer();
  const active = new Layer();
  const between = fillLayer(older, files[1 - turn] ?? [], behindSeq);
  const seq = fillLayer(active, files[turn], between);
  const generation = Math.max(1, generationOf(files[turn]));
  return { turn, generation, end: files[turn].at(-1)?.end ?? 0, older, active, seq };
}

function generationOf(records: readonly JournalRecord[]): number {
  return records[0]?.generation ?? 0;
}

/** Adds what is newer than `after`. Returns the newest commit then. */
function fillLayer(layer: Layer, records: readonly JournalRecord[], after: number): number {
  let newest = after;
  for (const { batch, end } of records) {
    const commits = batch.commits.filter(({ seq }) => seq > newest);
    const [first] = commits;
    if (!first) continue;
    if (first.seq !== newest + 1) {
      throw new JdbxError(
        'STORE_CORRUPT',
        `expected commit ${newest + 1} in the journal, it goes on with ${first.seq}`,
      );
    }
    layer.add({ ...batch, commits }, end / records.length);
    newest = commits.at(-1)?.seq ?? newest;
  }
  return newest;
}
