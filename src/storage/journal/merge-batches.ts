import type { NewShape } from '../bodies/shapes.js';
import type { Commit, EngineBatch, PackedBatch } from '../contract.js';

/** Changes in one commit of the engine behind; LMDB's free list stays short. */
const APPLY_CHANGES = 5_000;

/** Batches put together up to a number of changes; the last one's names and log bound count. */
export function* mergeBatches(batches: readonly EngineBatch[]): Generator<EngineBatch> {
  let commits: Commit[] = [];
  let changes = 0;
  let last: EngineBatch | undefined;
  let packed = new Pack();
  for (const batch of batches) {
    commits.push(...batch.commits);
    packed.add(batch.packed);
    changes += batch.commits.reduce((sum, commit) => sum + commit.changes.length, 0);
    last = { ...batch, names: { ...last?.names, ...batch.names } };
    if (changes < APPLY_CHANGES) continue;
    yield { ...last, commits, packed };
    commits = [];
    packed = new Pack();
    changes = 0;
    last = undefined;
  }
  if (last) yield { ...last, commits, packed };
}

/** The rest of a merged batch after commit `seq`; undefined when nothing is left. */
export function restOf(batch: EngineBatch, seq: number): EngineBatch | undefined {
  const commits = batch.commits.filter((commit) => commit.seq > seq);
  const { packed } = batch;
  if (commits.length === 0 || !packed) return undefined;
  const bodies = packed.bodies().slice(batch.commits.length - commits.length);
  return { ...batch, commits, packed: { shapes: packed.shapes, bodies: () => bodies } };
}

class Pack implements PackedBatch {
  readonly #bodies: (readonly Uint8Array[])[] = [];
  readonly shapes: NewShape[] = [];

  bodies(): readonly (readonly Uint8Array[])[] {
    return this.#bodies;
  }

  add(packed: PackedBatch | undefined): void {
    for (const each of packed?.bodies() ?? []) this.#bodies.push(each);
    for (const each of packed?.shapes ?? []) this.shapes.push(each);
  }
}
