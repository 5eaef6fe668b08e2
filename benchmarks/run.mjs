/**
 * `npm run bench`: every trial several times, each in a fresh process, in alternating
 * order, so that neither a warm process nor a slow minute of the machine favours one.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, type as systemType, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { median } from './measure.mjs';
import { printTable } from './table.mjs';

/** In the order in which they print; the floors come first. */
const TRIALS = [
  'disk',
  'raw-lmdb',
  'point-get',
  'durable-insert',
  'several-processes',
  'bulk-load',
  'indexed-query',
  'transformer-call',
  'stage',
  'stages-together',
];
const TRIAL = fileURLToPath(new URL('trial.mjs', import.meta.url));
const USAGE = `npm run bench -- [--only NAME] [--rounds N] [--dir DIR] [--json]
  NAME is one of ${TRIALS.join(', ')}; the floors are always measured beside.`;

const { values } = readArguments();
const trials = TRIALS.filter(
  (name) =>
    values.only === undefined || name === values.only || name === 'disk' || name === 'raw-lmdb',
);
const startedAt = performance.now();
const samples = await measure(trials, values.rounds);
report(summarize(samples), (performance.now() - startedAt) / 1_000);

async function measure(names, rounds) {
  const samples = new Map(names.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      if (process.stderr.isTTY)
        process.stderr.write(`\rround ${round} of ${rounds}: ${name}\u001b[K`);
      samples.get(name).push(await runTrial(name));
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  return samples;
}

async function runTrial(name) {
  const directory = mkdtempSync(join(values.dir, 'jdbx-bench-'));
  try {
    const command = [TRIAL, name, directory];
    const { stdout } = await promisify(execFile)(process.execPath, command);
    return JSON.parse(stdout);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One row for each measure: the median of its rounds, and how many times slower it is than its floor. */
function summarize(samples) {
  const rows = [...samples].flatMap(([trial, rounds]) =>
    Object.entries(rounds[0]).map(([name, { unit, floor }]) => {
      const numbers = rounds.map((round) => round[name].value);
      return { trial, name, unit, floor, median: median(numbers), values: numbers };
    }),
  );
  const medians = new Map(rows.map((row) => [row.name, row.median]));
  return rows.map(({ floor, ...row }) => {
    if (floor === undefined) return row;
    const ratio = row.median / medians.get(floor);
    return { ...row, floor, timesFloor: row.unit === '/s' ? 1 / ratio : ratio };
  });
}

function report(measures, seconds) {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${systemType()} ${process.arch}`,
    node: process.versions.node,
    directory: values.dir,
  };
  const facts = { at: new Date().toISOString(), rounds: values.rounds, seconds, machine };
  if (values.json) return console.log(JSON.stringify({ ...facts, measures }, null, 2));
  console.log(
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, in ${machine.directory}`,
  );
  console.log(`Medians of ${values.rounds} rounds, ${seconds.toFixed(0)} s in all.\n`);
  return printTable(measures);
}

function readArguments() {
  try {
    const { values: given } = parseArgs({
      options: {
        only: { type: 'string' },
        rounds: { type: 'string', default: '3' },
        dir: { type: 'string', default: tmpdir() },
        json: { type: 'boolean', default: false },
      },
    });
    const rounds = Number(given.rounds);
    if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds: expected a number');
    if (given.only !== undefined && !TRIALS.includes(given.only))
      throw new Error(`--only: ${given.only}`);
    return { values: { ...given, rounds } };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return process.exit(2);
  }
}
