/**
 * `npm run bench:updates`: does a durable put stay as quick when a store has seen many updates?
 *
 * Two equal stores are filled; one gets UPDATES random updates in transactions of 5,000. Then
 * fresh processes put into the one and the other in turn, one durable put after the other, and
 * the medians of their rounds are compared. `--json` prints the figures alone.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '100000' },
    updates: { type: 'string', default: '500000' },
    puts: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const STEP = fileURLToPath(new URL('./step.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'jdbx-bench-updates-'));
const fresh = join(directory, 'fresh');
const updated = join(directory, 'updated');

try {
  step('fill', fresh, values.documents);
  cpSync(fresh, updated, { recursive: true });
  const updating = step('update', updated, values.documents, values.updates);
  const rounds = { fresh: [], updated: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    rounds.fresh.push(step('put', fresh, values.documents, values.puts));
    rounds.updated.push(step('put', updated, values.documents, values.puts));
  }
  report(rounds, updating);
} finally {
  rmSync(directory, { recursive: true });
}

function step(...args) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [STEP, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args[0]}: ${stderr}`);
  return JSON.parse(stdout || 'null');
}

function report(rounds, updating) {
  const figures = {
    documents: Number(values.documents),
    updates: Number(values.updates),
    updatesPerSecond: Math.round(updating.perSecond),
    bytes: { fresh: sizeOf(fresh), updated: sizeOf(updated) },
    medianMs: over(rounds, 'medianMs'),
    meanMs: over(rounds, 'meanMs'),
  };
  if (values.json) return console.log(JSON.stringify(figures, null, 2));
  console.log(`${figures.documents} documents, ${figures.updates} updates`);
  for (const name of ['medianMs', 'meanMs']) {
    const { fresh, updated, ratio } = figures[name];
    console.log(
      `durable put, ${name}: fresh ${fresh.toFixed(3)}, updated ${updated.toFixed(3)}, ratio ${ratio.toFixed(2)}`,
    );
  }
}

function over(rounds, name) {
  const [one, other] = [rounds.fresh, rounds.updated].map((each) =>
    median(each.map((figures) => figures[name])),
  );
  return { fresh: one, updated: other, ratio: other / one };
}

function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

function sizeOf(store) {
  return statSync(join(store, 'jdbx.mdb')).size;
}
