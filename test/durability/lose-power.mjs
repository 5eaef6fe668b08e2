import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from '#jdbx/index.js';
import { compileShim, readEvents } from './disk-shim.mjs';
import { randomFrom } from './seeded-random.mjs';
import { DEFINITIONS } from './store-units.mjs';
import { verifyStore } from './verify-store.mjs';

const WORK = fileURLToPath(new URL('./store-work.mjs', import.meta.url));
const ROUNDS_A_RECORDING = 10;
const RECORD_MS = 1_200;
/** A backup makes LMDB take in what only the journal holds: its writes shall be among the lost. */
const TAKE_IN_EVERY = '5';
const SECTOR = 512;

/**
 * Records the writes and flushes of a process that works on a store, and rebuilds its files as
 * a loss of power may have left them at random moments: what was flushed is there; of what was
 * not, each write is there, or gone, or torn into sectors of which some are there. Every commit
 * that was acknowledged before the moment must be found.
 */
export async function losePower({ directory, rounds, seed, onRound = () => {} }) {
  mkdirSync(directory, { recursive: true });
  const { library, skipped } = compileShim(directory);
  if (skipped) return { skipped: `no losses of power: ${skipped}` };
  const random = randomFrom(seed);
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
  const { lines, files } = replay(events.slice(0, moment));
  const count = { dropped: 0, torn: 0 };
  for (const [path, writes] of files) rebuild(join(store, basename(path)), writes, random, count);
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

/** What was written to each file, whether that was flushed, and what the process had told. */
function replay(events) {
  const files = new Map();
  const begun = new Map();
  let told = '';
  events.forEach(({ kind, fields, data }, at) => {
    if (kind === 'A') told += data.toString();
    if (kind === 'B') begun.set(fields[0], at);
    if (kind === 'W')
      add(files, fields[0], { at, offset: Number(fields[1]), data, flushed: fields[3] === '1' });
    if (kind === 'T') add(files, fields[0], { at, size: Number(fields[1]), flushed: false });
    if (kind === 'S') {
      for (const write of files.get(fields[1]) ?? []) {
        if (write.at < begun.get(fields[0])) write.flushed = true;
      }
    }
  });
  return { files, lines: told.split('\n').slice(0, -1) };
}

function add(files, path, write) {
  const writes = files.get(path) ?? [];
  files.set(path, writes);
  writes.push(write);
}

function rebuild(path, writes, random, count) {
  let file = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  for (const write of writes) {
    const fate = write.flushed ? 0 : random();
    if (fate > 0.66) {
      count.dropped++;
      continue;
    }
    if (write.size !== undefined) file = resize(file, write.size);
    else {
      file = resize(file, Math.max(file.length, write.offset + write.data.length));
      if (fate <= 0.33) write.data.copy(file, write.offset);
      else {
        count.torn++;
        tear(file, write, random);
      }
    }
  }
  writeFileSync(path, file);
}

/** Some of the sectors that a write touches are there. */
function tear(file, { offset, data }, random) {
  for (let at = 0; at < data.length; ) {
    const end = Math.min(data.length, at + SECTOR - ((offset + at) % SECTOR));
    if (random() < 0.5) data.copy(file, offset + at, at, end);
    at = end;
  }
}

function resize(file, size) {
  if (size <= file.length) return file.subarray(0, size);
  const grown = Buffer.alloc(Math.max(size, 0));
  file.copy(grown);
  return grown;
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
