import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Jdbx, type OpenOptions, open } from '#jdbx/index.js';
import { pipeline, transformer } from '../pipelines/support.js';

/**
 * A store on disk, whose one worker reads it by itself. It goes with the run's temporary folder
 * (`test/support/temporary-root.ts`).
 */
export async function openNearStore(options: OpenOptions = {}): Promise<Jdbx> {
  const path = mkdtempSync(join(tmpdir(), 'jdbx-near-'));
  const db = await open(path, {
    workers: 1,
    env: {},
    random: () => 0.5,
    ...options,
  });
  await warmUp(db);
  return db;
}

/** The first calls of a worker go the long way, until it has opened the store. */
export async function warmUp(db: Jdbx): Promise<void> {
  const before = db.guestReads.near;
  const probe = transformer('probe', 'const f = () => db.get("none")', { permissions: ['db.get'] });
  await db.put([probe, pipeline('probe', [{ name: 'probe', transformer: probe._id }])]);
  while (db.guestReads.near === before) {
    await db.run('pipeline:probe', {});
    await setTimeout(5);
  }
  await db.remove({ _id: { $in: ['transformer:probe', 'pipeline:probe'] } });
}
