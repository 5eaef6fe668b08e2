/**
 * `npm run bench:pipelines`: the same stages by this store, by its rivals and by LMDB alone, each
 * work of each in a fresh process, in alternating order. Figures of one run compare; figures of
 * two runs do not, for a disk's flush may be ten times slower an hour later.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { median } from '../measure.mjs';
import { startPostgres } from './postgres.mjs';
import { installRivals, nodeWithSqlite } from './rivals/install.mjs';
import { SUBJECTS } from './subjects.mjs';
import { printTables } from './table.mjs';

const OWN_WORKS = ['flight', 'resume', 'program'];
const WORKS = ['sequential', 'together', 'history', ...OWN_WORKS];
const USAGE = `npm run bench:pipelines -- [--only SUBJECT,…] [--work WORK,…] [--rounds N] [--stages N] [--dir DIR] [--json]
  SUBJECT is one of ${SUBJECTS.map(({ name }) => name).join(', ')}; WORK one of ${WORKS.join(', ')}.
  --stages is the length of the history run, 1000 by default. flight, resume and program are of jdbx alone.`;

const given = readArguments();
if (given.subjects.some(({ module }) => module.startsWith('./rivals/'))) installRivals();
const postgres = given.subjects.some(({ needs }) => needs === 'postgres')
  ? await startPostgres()
  : undefined;
try {
  report(await measureAll());
} finally {
  await postgres?.stop();
}

async function measureAll() {
  const trials = given.subjects.flatMap((subject) =>
    given.works
      .filter((work) => !subject.skips?.includes(work))
      .filter((work) => !OWN_WORKS.includes(work) || subject.name === 'jdbx')
      .map((work) => ({ subject, work, rounds: [] })),
  );
  for (let round = 0; round < given.rounds; round++) {
    for (const trial of round % 2 === 0 ? trials : trials.toReversed()) {
      console.error(`round ${round + 1}: ${trial.work}, ${trial.subject.name}`);
      const measured = await runTrial(trial);
      if (typeof measured === 'string') trial.missing = measured;
      else trial.rounds.push(measured);
    }
  }
  return trials.map(({ subject, work, rounds, missing }) => ({
    subject: subject.name,
    work,
    ...(rounds.length === 0 ? { missing } : { figures: mediansOf(rounds), rounds }),
  }));
}

/** The work's figures, or why there are none. */
async function runTrial({ subject, work }) {
  const node = subject.needs === 'sqlite' ? nodeWithSqlite() : process.execPath;
  if (node === undefined) return 'no Node with node:sqlite';
  if (subject.needs === 'postgres' && !postgres) return 'no PostgreSQL is installed';
  const directory = mkdtempSync(join(given.dir, 'jdbx-bench-pipelines-'));
  const url = subject.needs === 'postgres' ? postgres.newDatabase() : '';
  const options = work === 'history' ? { stages: given.stages } : {};
  const file = new URL('subject.mjs', import.meta.url).pathname;
  const command = [
    '--expose-gc',
    file,
    work,
    directory,
    subject.module,
    subject.opener,
    url,
    JSON.stringify(options),
  ];
  try {
    const { stdout } = await promisify(execFile)(node, command, { timeout: 600_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1));
  } catch (error) {
    const lines = String(error.stderr || error.message).split('\n');
    const told = lines.find((line) => /Error|[A-Z]+_[A-Z]+/.test(line)) ?? lines[0];
    return `failed: ${told.trim().slice(0, 120)}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
    if (url) postgres.dropDatabase(url);
  }
}

function mediansOf(rounds) {
  return Object.fromEntries(
    Object.keys(rounds[0]).map((name) => [name, median(rounds.map((round) => round[name]))]),
  );
}

function report(measures) {
  const facts = { at: new Date().toISOString(), node: process.versions.node, stages: given.stages };
  if (given.json) return console.log(JSON.stringify({ ...facts, measures }, null, 2));
  return printTables(measures, given.stages);
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        work: { type: 'string', default: WORKS.join(',') },
        rounds: { type: 'string', default: '3' },
        stages: { type: 'string', default: '1000' },
        dir: { type: 'string', default: tmpdir() },
        json: { type: 'boolean', default: false },
      },
    });
    const names = values.only?.split(',') ?? SUBJECTS.map(({ name }) => name);
    const subjects = SUBJECTS.filter(({ name, isFloor }) => isFloor || names.includes(name));
    const works = values.work.split(',');
    const unknown = [
      ...names.filter((name) => !SUBJECTS.some((subject) => subject.name === name)),
      ...works.filter((work) => !WORKS.includes(work)),
    ];
    if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}`);
    const [rounds, stages] = [Number(values.rounds), Number(values.stages)];
    if (!(Number.isSafeInteger(rounds) && rounds > 0))
      throw new Error('--rounds: expected a number');
    if (!(Number.isSafeInteger(stages) && stages >= 30))
      throw new Error('--stages: expected 30 or more');
    return { ...values, rounds, stages, subjects, works };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return process.exit(2);
  }
}
