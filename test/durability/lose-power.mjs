import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from '#jdbx/index.js';
import { readEvents, rebuild, writesIn } from '#jdbx/torture/disk-record.js';
import { seededRandom } from '#jdbx/torture/seeded-random.js';
import { shimIn } from './disk-shim.mjs';
import { DEFINITIONS } from './store-units.mjs';
import { verifyStore } from './verify-store.mjs';

const WORK = fileURLToPath(new URL('./store-work.mjs', import.meta.url));
const ROUNDS_A_RECORDING = 10;
const RECORD_MS = 1_200;
/** A backup makes LMDB take in what only the journal holds: its writes shall be among the lost. */
const TAKE_IN_EVERY = '5';

/**
 * Records the writes and flushes of a process that works on a store, and rebuilds its files as
 * a loss of power may have left them at random moments: what was flushed is there; of what was
 * not, each write is there, or gone, or torn into sectors of which some are there. Every commit
 * that was acknowledged before the moment must be found.
 */
export async function losePower({ directory, rounds, seed, onRound = () => {} }) {
  mkdirSync(directory, { recursive: true });
  const { library, skipped } = shimIn(directory);
  if (skipped) return { skipped: `no losses of power: ${skipped}` };
  const random = seededRandom(seed);
  const total = { rounds, acknowledged: 0, dropped: 0, torn: 0, problems: [] };
  let recording;
  for (let round = 0; round < rounds; round++) {
    if (round % ROUNDS_A_RECORDING === 0) {
      recording = await recordWork(join(directory, `recording-${round}`), seed + round, library);
    }
    const moment = momentIn(recording.events, random);
    const found = await loseAt(recording, moment, random);
    total.acknowledged += found.acknowledged;
    total.dropped += found.dropped;
    total.torn += found.torn;
    for (const problem of found.problems) {
      total.problems.push(`power ${round}, event ${moment}: ${problem}`);
    }
    onRound({ round, moment, ...found });
  }
  return total;
}

async function recordWork(directory, seed, library) {
  const place = (name) => join(directory, name);
  mkdirSync(directory);
  const db = await open(place('store'));
  await db.put(DEFINITIONS.filter(({ _type }) => _type === 'retention'));
  await db.put(DEFINITIONS.filter(({ _type }) => _type === 'index'));
  await db.close();
  cpSync(place('store'), place('base'), { recursive: true });
  const env = {
    ...process.env,
    LD_PRELOAD: library,
    JDBX_SHIM_DIR: `${place('store')}/`,
    JDBX_SHIM_ACK: place('log'),
    JDBX_SHIM_LOG: place('events'),
  };
  const args = [WORK, place('store'), place('log'), String(seed), place('backups'), TAKE_IN_EVERY];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const closed = once(child, 'close');
  while (!existsSync(place('log')) && child.exitCode === null) await wait(10);
  await wait(RECORD_MS);
  child.kill('SIGKILL');
  await closed;
  return { directory, seed, events: readEvents(readFileSync(place('events'))) };
}

/** Mostly right after a write of LMDB, which flushes many at once. */
function momentIn(events, random) {
  const any = 1 + Math.floor(random() * events.length);
  if (random() < 0.25) return any;
  const next = events.findIndex(
    ({ kind, fields }, at) => at >= any && kind === 'W' && fields[0].endsWith('.mdb'),
  );
  return next === -1 ? any : Math.min(events.length, next + 1 + Math.floor(random() * 8));
}

async function loseAt({ directory, seed, events }, moment, random) {
  const store = join(directory, 'lost');
  rmSync(store, { recursive: true, force: true });
  cpSync(join(directory, 'base'), store, { recursive: true });
  const before = events.slice(0, moment);
  const lines = linesIn(before);
  const count = { dropped: 0, torn: 0 };
  for (const [path, writes] of writesIn(before))
    rebuild(join(store, basename(path)), writes, random, count);
  // The lock file is shared memory: it does not outlive the machine.
  for (const name of readdirSync(store)) if (name.endsWith('-lock')) rmSync(join(store, name));
  const acknowledged = lines.filter((line) => line.startsWith('!')).length;
  try {
    const db = await open(store, { create: false, retentionIntervalMs: 0 });
    const problems = await verifyStore(db, seed, lines);
    await db.close();
    return { acknowledged, ...count, problems };
  } catch (error) {
    return { acknowledged, ...count, problems: [`it does not open: ${error}`] };
  }
}

/** What the process had told, line by line. */
function linesIn(events) {
  const told = events.filter(({ kind }) => kind === 'A').map(({ data }) => data);
  return Buffer.concat(told).toString().split('\n').slice(0, -1);
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
