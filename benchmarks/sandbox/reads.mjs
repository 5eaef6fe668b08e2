import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from '#jdbx/index.js';
import { guestDatabase } from '#jdbx/pipelines/guests/database.js';
import { nearReads, nearSource } from '#jdbx/pipelines/guests/near-reads.js';
import { GUEST_LIMITS } from '#jdbx/sandbox/contract.js';
import { Permissions } from '#jdbx/sandbox/permissions.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { median } from './compare.mjs';

const DOCUMENTS = 20_000;
const READS = 200;
/** The compilers of both threads take their time: some 5,000 reads. */
const WARM_UP_ROUNDS = 25;
const PERMISSIONS = Permissions.parse(['db.get', 'db.query']);
const LIMITS = { ...GUEST_LIMITS.defaults, timeoutMs: 30_000 };

const CODES = {
  'db.get in a guest': `function f(from) {
    let sum = 0;
    for (let n = 0; n < ${READS}; n++) sum += db.get('doc:' + ((from + n * 7919) % ${DOCUMENTS})).n;
    return sum;
  }`,
  'db.query of 10 in a guest': `function f(from) {
    let sum = 0;
    for (let n = 0; n < ${READS}; n++) sum += db.query({ _type: 'doc', group: (from + n * 7919) % ${DOCUMENTS / 10} }).toArray().length;
    return sum;
  }`,
};

/** Microseconds of one read in a guest's own thread and through the caller's, by turns. */
export async function compareReads(rounds) {
  const directory = mkdtempSync(join(tmpdir(), 'jdbx-bench-'));
  const db = await open(directory);
  await fill(db);
  const roads = {
    near: createSandbox({ workers: 1, near: nearSource(directory) }),
    far: createSandbox({ workers: 1 }),
  };
  try {
    const results = [];
    for (const [name, code] of Object.entries(CODES))
      results.push(await compare(db, roads, name, code, rounds));
    return { results, counts: roads.near.nearCounts };
  } finally {
    await Promise.all(Object.values(roads).map((sandbox) => sandbox.close()));
    await db.close();
    rmSync(directory, { recursive: true });
  }
}

async function fill(db) {
  await db.put({ _id: 'index:group', _type: 'index', type: 'doc', key: { group: 1 } });
  for (let from = 0; from < DOCUMENTS; from += 1_000) {
    await db.put(
      Array.from({ length: 1_000 }, (_, at) => {
        const n = from + at;
        return {
          _id: `doc:${n}`,
          _type: 'doc',
          n,
          group: n % (DOCUMENTS / 10),
          name: `document number ${n}`,
          tags: ['a', 'bb', 'ccc'],
          nested: { x: 1, y: n, z: 'text' },
          score: n / 7,
        };
      }),
    );
  }
}

async function compare(db, roads, name, code, rounds) {
  const times = { near: [], far: [] };
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [road, sandbox] of Object.entries(roads)) {
      const time = await timeOf(db, sandbox, code, round + WARM_UP_ROUNDS);
      if (round >= 0) times[road].push(time);
    }
  }
  const [nearUs, farUs] = [median(times.near), median(times.far)];
  return { name, nearUs, farUs, ratio: farUs / nearUs };
}

/** The read's share of the call's time in the worker: what a guest waits. */
async function timeOf(db, sandbox, code, from) {
  const workspace = db.workspace();
  try {
    const { durationMs } = await sandbox.call({
      name: 'transformer:bench',
      code,
      args: [from],
      host: guestDatabase({
        permissions: PERMISSIONS,
        typesOf: (type) => [type],
        refused: () => {},
        workspace: () => workspace,
        now: () => 0,
      }),
      near: nearReads(() => workspace, PERMISSIONS),
      limits: LIMITS,
      now: 0,
      seed: 'seed',
    });
    return (durationMs * 1_000) / READS;
  } finally {
    workspace.close();
  }
}
