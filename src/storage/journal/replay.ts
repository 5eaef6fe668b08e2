import { isJdbxError, JdbxError } from '../../base/errors.js';
import type { Engine, EngineBatch } from '../contract.js';
import { JournalFile } from './journal-file.js';
import { Layer } from './layer.js';
import type { JournalRecord } from './record.js';

/** Where a journal goes on. */
export interface JournalState {
  /** The newest commit in the journal or the engine behind it. */
  readonly seq: number;
  /** The file that is written next, and its generation. */
  readonly turn: 0 | 1;
  readonly generation: number;
  /** Where each file's records that must stay end, in bytes. */
  readonly ends: readonly [number, number];
  readonly active: Layer;
  readonly leaving: Layer | undefined;
}

/** What one file holds. */
interface Turn {
  readonly file: 0 | 1;
  readonly generation: number;
  readonly records: readonly JournalRecord[];
}

/**
 * Brings the engine up to the end of the journal. Where it has no room for that, the
 * journal is kept as it is and goes on: what was acknowledged can be read, and is taken
 * in when there is room again.
 *
 * @throws {JdbxError} STORE_CORRUPT when commits are missing, and what the engine's commit throws
 */
export async function replay(
  behind: Engine,
  paths: readonly [string, string],
): Promise<JournalState> {
  const turns = readTurns(paths);
  try {
    for (const { batch } of turns.flatMap(({ records }) => records)) await takeIn(behind, batch);
  } catch (error) {
    if (!isJdbxError(error, 'STORE_FULL')) throw error;
    return unfinished(behind, turns);
  }
  const generation = (turns.at(-1)?.generation ?? 0) + 1;
  const nothing = { active: new Layer(), leaving: undefined };
  return { seq: behind.seq, turn: 0, generation, ends: [0, 0], ...nothing };
}

/** Oldest first. */
function readTurns(paths: readonly [string, string]): Turn[] {
  return ([0, 1] as const)
    .map((file) => {
      const records = JournalFile.read(paths[file]);
      return { file, generation: records[0]?.generation ?? 0, records };
    })
    .filter(({ records }) => records.length > 0)
    .sort((left, right) => left.generation - right.generation);
}

async function takeIn(behind: Engine, batch: EngineBatch): Promise<void> {
  const commits = batch.commits.filter(({ seq }) => seq > behind.seq);
  const first = commits[0]?.seq;
  if (first === undefined) return;
  if (first !== behind.seq + 1) {
    throw new JdbxError(
      'STORE_CORRUPT',
      `expected commit ${behind.seq + 1} in the journal, it goes on with ${first}`,
    );
  }
  await behind.commit({ ...batch, commits });
}

/** The newer file is gone on with, since neither may be written over. */
function unfinished(behind: Engine, turns: readonly Turn[]): JournalState {
  const newest = turns.at(-1) as Turn;
  const older = turns.length > 1 ? toLayer(turns[0] as Turn, behind) : undefined;
  const ends: [number, number] = [0, 0];
  for (const { file, records } of turns) ends[file] = records.at(-1)?.end ?? 0;
  return {
    seq: newest.records.at(-1)?.batch.commits.at(-1)?.seq ?? behind.seq,
    turn: newest.file,
    generation: newest.generation,
    ends,
    active: toLayer(newest, behind),
    leaving: older?.isEmpty ? undefined : older,
  };
}

function toLayer({ records }: Turn, behind: Engine): Layer {
  const layer = new Layer();
  let start = 0;
  for (const { batch, end } of records) {
    const last = batch.commits.at(-1)?.seq ?? 0;
    if (last > behind.seq) layer.add(batch, end - start);
    start = end;
  }
  return layer;
}
