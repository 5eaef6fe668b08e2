/**
 * `npm run torture -- --kills 10000 --seed 7`: kills pipelines that have a stage of every kind
 * between them, at every commit and at random moments, and looks through what is left. With
 * `--power-loss`, what was not flushed at a kill is dropped or torn.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describe } from '#jdbx/cli/commands/torture.js';
import { open } from '#jdbx/index.js';
import { torture } from '#jdbx/torture/torture.js';
import { DEFINITIONS, WORKS } from './every-kind.mjs';

/** Milliseconds between two lines of progress. */
const TELL_EVERY_MS = 5_000;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'power-loss': { type: 'boolean', default: false },
  },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) {
  console.error('expected whole numbers: --kills N --seed N');
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'jdbx-torture-'));
const db = await open(directory, { env: {}, workers: 1 });
await db.put(DEFINITIONS);
console.log(`${kills} kills of ${WORKS.map(({ pipeline }) => pipeline).join(', ')}, seed ${seed}`);
let toldAt = 0;
const report = await torture(db, {
  works: WORKS,
  kills,
  seed,
  powerLoss: values['power-loss'],
  onProgress: ({ kills: done, judged, problems }) => {
    if (performance.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = performance.now();
    console.log(`  ${done} kills, ${judged} runs looked through, ${problems} problems`);
  },
});
await db.close();
rmSync(directory, { recursive: true });
console.log(describe(report));
process.exitCode = report.ok ? 0 : 1;
