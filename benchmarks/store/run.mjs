/**
 * `npm run bench:store`: the store beside others at the same work, each in fresh processes, in
 * alternating order, on the same documents. Nothing is kept from one run to the next.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { median } from '../measure.mjs';
import { installRivals } from '../rivals/install.mjs';
import { judge, ROWS, WORKS } from './aims.mjs';
import { printTable } from './table.mjs';

const RIVALS = ['better-sqlite3', 'lokijs', 'nedb', 'pouchdb', 'lmdb'];
const JUDGE = 'better-sqlite3';
const SUBJECT = fileURLToPath(new URL('subject.mjs', import.meta.url));
const WEAR = 'put after 500,000 updates';
const USAGE = `npm run bench:store -- [--documents N] [--only WORK] [--rivals A,B] [--rounds N] [--dir DIR] [--clock wall|cpu] [--json]
  WORK is one of: ${WORKS.join('; ')}
  rivals: ${RIVALS.join(', ')}`;

const settings = readArguments();
installRivals();
const startedAt = performance.now();
const samples = await measure();
checkAnswers(samples);
report(rowsOf(samples));

async function measure() {
  const names = ['jdbx', ...settings.rivals];
  const samples = new Map(names.map((name) => [name, []]));
  for (let round = 1; round <= settings.rounds; round++) {
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      process.stderr.write(`round ${round} of ${settings.rounds}: ${name}\n`);
      samples.get(name).push(await runSubject(name, round));
    }
  }
  return samples;
}

async function runSubject(name, round) {
  const { documentsMax = Infinity } = name === 'jdbx' ? {} : await import(`./rivals/${name}.mjs`);
  const directory = mkdtempSync(join(settings.dir, 'jdbx-bench-'));
  // Wearing a store out takes long, and one round tells.
  const works = settings.works.filter((work) => work !== WEAR || round === 1);
  const command = [
    SUBJECT,
    name,
    directory,
    String(Math.min(settings.documents, documentsMax)),
    ...works,
  ];
  try {
    const options = { maxBuffer: 2 ** 24, env: { ...process.env, BENCH_CLOCK: settings.clock } };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--max-old-space-size=6144', ...command],
      options,
    );
    return JSON.parse(stdout);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Subjects that hold the same documents must find as many. */
function checkAnswers(samples) {
  const own = samples.get('jdbx')[0].answered;
  for (const [name, [{ answered }]] of samples) {
    if (name === 'pouchdb' && settings.documents > 10_000) continue;
    for (const [work, found] of Object.entries(answered)) {
      if (found !== own[work])
        throw new Error(`${work}: ${name} found ${found}, jdbx ${own[work]}`);
    }
  }
}

function rowsOf(samples) {
  const figure = (name, work) => {
    const values = samples.get(name)?.map(({ works }) => works[work]) ?? [];
    const known = values.filter((value) => value !== undefined);
    return known.length > 0 ? median(known) : undefined;
  };
  return ROWS.filter(({ work }) => settings.works.includes(work)).map((row) => {
    const rivals = Object.fromEntries(
      settings.rivals.map((name) => [name, figure(name, row.rival)]),
    );
    const jdbx = figure('jdbx', row.figure);
    const { figure: name, unit } = row;
    return {
      figure: name,
      unit,
      jdbx,
      rivals,
      ...judge(row, jdbx, rivals[JUDGE], settings.documents),
    };
  });
}

function report(rows) {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.versions.node,
  };
  const { documents, rounds, rivals } = settings;
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const facts = {
    at: new Date().toISOString(),
    clock: settings.clock,
    documents,
    rounds,
    seconds,
    machine,
  };
  if (settings.json) return console.log(JSON.stringify({ ...facts, rows }, null, 2));
  console.log(
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${documents} documents,`,
  );
  console.log(
    `medians of ${rounds} rounds, ${seconds} s in all; reads by ${settings.clock} time. The ratio is against ${JUDGE}.\n`,
  );
  return printTable(rows, rivals);
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        documents: { type: 'string', default: '100000' },
        only: { type: 'string', multiple: true, default: WORKS },
        rivals: { type: 'string', default: RIVALS.join(',') },
        rounds: { type: 'string', default: '3' },
        dir: { type: 'string', default: tmpdir() },
        clock: { type: 'string', default: 'wall' },
        json: { type: 'boolean', default: false },
      },
    });
    const rivals = values.rivals.split(',').filter((name) => name !== '');
    return {
      ...values,
      clock: known(values.clock, ['wall', 'cpu'], '--clock'),
      works: values.only.map((name) => known(name, WORKS, '--only')),
      rivals: rivals.map((name) => known(name, RIVALS, '--rivals')),
      documents: wholeNumber(values.documents, 2_000, '--documents'),
      rounds: wholeNumber(values.rounds, 1, '--rounds'),
    };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return process.exit(2);
  }
}

function known(name, list, option) {
  if (list.includes(name)) return name;
  throw new Error(`${option}: expected one of ${list.join(', ')}, got ${name}`);
}

function wholeNumber(text, least, option) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`${option}: expected a whole number from ${least} on, got ${text}`);
}
