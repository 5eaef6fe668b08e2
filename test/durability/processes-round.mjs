/**
 * Several processes do random work on one store; some are killed, some stopped for a while
 * and continued. Then everything that was acknowledged must be there once, and nothing else.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { open } from '#jdbx/index.js';
import { randomFrom } from './random.mjs';

const CHILD = fileURLToPath(new URL('./processes-child.mjs', import.meta.url));

export async function runProcesses({
  directory,
  seconds,
  processes = 3,
  seed,
  onEvent = () => {},
}) {
  const random = randomFrom(seed);
  await prepare(directory);
  const lines = [];
  let started = 0;
  const start = () => {
    const number = ++started;
    return begin(directory, `p${number}`, seed * 1_000 + number, (line) => lines.push(line));
  };
  const children = Array.from({ length: processes }, start);
  const until = performance.now() + seconds * 1_000;
  const counts = { kills: 0, stops: 0 };
  while (performance.now() < until) {
    await pause(200 + random() * 1_200);
    const at = Math.floor(random() * processes);
    if (random() < 0.5) {
      await children[at].kill();
      counts.kills++;
      onEvent(`killed ${at}`);
      children[at] = start();
    } else {
      children[at].signal('SIGSTOP');
      counts.stops++;
      await pause(random() * 500);
      children[at].signal('SIGCONT');
    }
  }
  const unfinished = await endAll(children);
  const problems = lines.filter((line) => line.startsWith('problem'));
  problems.push(...unfinished, ...(await verify(directory, lines)));
  return { ...counts, commits: lines.filter((line) => line.startsWith('ack')).length, problems };
}

async function prepare(directory) {
  const db = await open(directory);
  await db.put([
    { _id: 'index:claim', _type: 'index', type: 'claim', key: { slot: 1 }, unique: true },
  ]);
  await db.put([0, 1, 2, 3].map((n) => ({ _id: `account:${n}`, _type: 'account', value: 100 })));
  await db.close();
}

function begin(directory, name, seed, onLine) {
  const child = spawn(process.execPath, [CHILD, directory, name, String(seed)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let rest = '';
  let isClosed = false;
  child.stdin.on('error', () => {});
  child.stdout.on('data', (data) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line === 'closed') isClosed = true;
      onLine(line);
    }
  });
  return {
    signal: (signal) => child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    /** Says what is wrong when it does not end by itself. */
    async end() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
      await ended;
      clearTimeout(timer);
      return isClosed ? [] : [`${name} did not close by itself`];
    },
  };
}

async function endAll(children) {
  return (await Promise.all(children.map((child) => child.end()))).flat();
}

async function verify(directory, lines) {
  const problems = [];
  const tries = countOf(lines, 'try inc ');
  const acks = countOf(lines, 'ack inc ');
  const db = await open(directory);
  const report = await db.check();
  problems.push(...report.problems);
  for (const [id, tried] of tries) {
    const acked = acks.get(id) ?? 0;
    const n = (await db.get(id))?.n ?? 0;
    if (n < acked || n > tried) problems.push(`${id} is ${n}, acknowledged ${acked} of ${tried}`);
  }
  await verifyClaims(db, lines, problems);
  await verifyPairs(db, lines, problems);
  await verifyLog(db, problems);
  await db.close();
  return problems;
}

function countOf(lines, prefix) {
  const counts = new Map();
  for (const line of lines) {
    if (!line.startsWith(prefix)) continue;
    const what = line.slice(prefix.length);
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

async function verifyClaims(db, lines, problems) {
  const held = new Map((await db.query({ _type: 'claim' })).map(({ _id, slot }) => [_id, slot]));
  if (new Set(held.values()).size !== held.size) problems.push('a slot was claimed twice');
  for (const what of countOf(lines, 'ack claim ').keys()) {
    const [slot, id] = what.split(' ');
    if (held.get(id) !== Number(slot)) problems.push(`${id} was acknowledged and is not there`);
  }
}

async function verifyPairs(db, lines, problems) {
  const dropped = countOf(lines, 'try drop ');
  for (const n of countOf(lines, 'ack pair ').keys()) {
    const [left, right] = await db.getMany([`left:${n}`, `right:${n}`]);
    if (!left !== !right) problems.push(`pair ${n} is half`);
    if (!left && !dropped.has(n)) problems.push(`pair ${n} was acknowledged and is not there`);
  }
  for (const n of countOf(lines, 'ack drop ').keys()) {
    if (await db.get(`left:${n}`)) problems.push(`pair ${n} was removed and is there`);
  }
}

/** The log goes up without a gap, and so does each document's revision. */
async function verifyLog(db, problems) {
  const revs = new Map();
  let last = 0;
  for await (const { seq, id, kind, rev } of db.watch({}, { since: 0 })) {
    if (seq !== last && seq !== last + 1) problems.push(`the log goes from ${last} to ${seq}`);
    last = seq;
    if (kind === 'put') {
      const before = revs.get(id) ?? 0;
      const isKept = id.startsWith('index:');
      if (rev !== before + 1 && !isKept) problems.push(`${id}: revision ${before}, then ${rev}`);
      revs.set(id, rev);
    } else revs.delete(id);
    if (last === db.seq) break;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
