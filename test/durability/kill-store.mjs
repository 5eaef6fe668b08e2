import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from '#jdbx/index.js';
import { seededRandom } from '#jdbx/torture/seeded-random.js';
import { DEFINITIONS } from './store-units.mjs';
import { verifyStore } from './verify-store.mjs';

const WORK = fileURLToPath(new URL('./store-work.mjs', import.meta.url));
/** A store that holds more is begun anew, so that checking stays quick. */
const UNITS_MAX = 1_500;
const WAIT_MAX_MS = 400;

/**
 * Lets a process write random work into a store in `directory`, kills it at random times, and
 * checks what is left after each kill, and the backups that were taken meanwhile.
 *
 * @returns how many units were acknowledged, backups opened, and what was wrong
 */
export async function killStore({ directory, rounds, seed, onRound = () => {} }) {
  const random = seededRandom(seed);
  const total = {
    rounds,
    kills: 0,
    acknowledged: 0,
    torn: 0,
    backups: 0,
    partial: 0,
    problems: [],
  };
  let place;
  for (let round = 1; round <= rounds; round++) {
    if (!place || linesOf(place.log).length > 2 * UNITS_MAX) {
      place = await newPlace(join(directory, `store-${round}`), seed + round, place);
    }
    const waitMs = random() * WAIT_MAX_MS;
    await workAndKill(place, waitMs);
    const found = await judge(place);
    total.kills++;
    total.torn += found.open - place.open;
    place.open = found.open;
    total.acknowledged += found.acknowledged - place.acknowledged;
    place.acknowledged = found.acknowledged;
    total.backups += found.backups;
    total.partial += found.partial;
    for (const problem of found.problems) total.problems.push(`round ${round}: ${problem}`);
    onRound({ round, waitMs, ...found });
  }
  return total;
}

async function newPlace(directory, seed, before) {
  if (before) rmSync(before.directory, { recursive: true });
  const place = {
    directory,
    seed,
    store: join(directory, 'store'),
    log: join(directory, 'log'),
    backups: join(directory, 'backups'),
    acknowledged: 0,
    open: 0,
  };
  mkdirSync(place.backups, { recursive: true });
  const db = await open(place.store);
  await db.put(DEFINITIONS.filter(({ _type }) => _type === 'retention'));
  await db.put(DEFINITIONS.filter(({ _type }) => _type === 'index'));
  await db.close();
  return place;
}

async function workAndKill({ store, log, seed, backups }, waitMs) {
  const before = linesOf(log).length;
  const args = [WORK, store, log, String(seed), backups];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const closed = once(child, 'close');
  while (linesOf(log).length === before && child.exitCode === null) await wait(5);
  await wait(waitMs);
  child.kill('SIGKILL');
  const [code, signal] = await closed;
  if (signal !== 'SIGKILL') throw new Error(`the worker ended with ${code}: ${said}`);
}

async function judge(place) {
  const lines = linesOf(place.log);
  const db = await open(place.store, { create: false, retentionIntervalMs: 0 });
  const problems = await verifyStore(db, place.seed, lines);
  await db.close();
  const begun = lines.filter((line) => line.startsWith('?')).length;
  const acknowledged = lines.filter((line) => line.startsWith('!')).length;
  const backups = await judgeBackups(place, lines);
  problems.push(...backups.problems);
  return { acknowledged, open: begun - acknowledged, ...backups, problems };
}

/** Each backup that has a store holds every unit that was acknowledged before it began. */
async function judgeBackups({ backups, seed }, lines) {
  const problems = [];
  let opened = 0;
  let partial = 0;
  for (const name of readdirSync(backups)) {
    const path = join(backups, name);
    if (!existsSync(join(path, 'jdbx.mdb'))) {
      partial++;
    } else {
      opened++;
      const db = await open(path, { create: false, retentionIntervalMs: 0 });
      // The lane that took it had just been told of this unit.
      const until = lines.indexOf(`!${name}`);
      const early = new Set(lines.slice(0, until + 1));
      const faults = await verifyStore(db, seed, lines, (n) => !early.has(`!${n}`));
      problems.push(...faults.map((fault) => `backup ${name}: ${fault}`));
      await db.close();
    }
    rmSync(path, { recursive: true });
  }
  return { backups: opened, partial, problems };
}

function linesOf(log) {
  if (!existsSync(log)) return [];
  // The last line may be half written.
  return readFileSync(log, 'utf8').split('\n').slice(0, -1);
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
