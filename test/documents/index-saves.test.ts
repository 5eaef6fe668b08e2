/**
 * Saved indexes: a store that opens from them equals one that reads its documents. `check`
 * compares every index with a full scan, entry by entry, so it is what each test ends in,
 * after random work, kills, and whatever can happen to files: cut, flipped, zeroed, swapped,
 * of another time, of another history, or not to be written at all.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Jdbx, type OpenOptions, open } from '#jdbx/index.js';
import type { IndexFiles, OrderedIndex } from '#jdbx/indexes/contract.js';
import { indexEngine, indexKind } from '#jdbx/indexes/create-index.js';
import { INDEXES, randomCall, randomCommit, randomOf } from './saved-work.mjs';

const DOCUMENTS = 2_000;
const PAGE = 4_096;
const BODY = 65_536;
const CHILD = fileURLToPath(new URL('./saving-child.mjs', import.meta.url));

const place = mkdtempSync(join(tmpdir(), 'jdbx-saves-'));
const base = join(place, 'base');
let path: string;
let stores = 0;

const openAt = (at: string, options: OpenOptions = {}) =>
  open(at, { resume: false, saveIndexesAfter: 1_000, ...options });

beforeAll(async () => {
  const db = await openAt(base);
  const random = randomOf(1);
  for (const index of INDEXES) await db.insert(index);
  for (let n = 0; n < DOCUMENTS; n += 500) {
    const calls = Array.from({ length: 500 }, () => randomCall(random));
    await db.put([...new Map(calls.map((call) => [call._id, call])).values()]);
  }
  await db.close();
});

beforeEach(() => {
  path = join(place, `store-${stores++}`);
  cpSync(base, path, { recursive: true });
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

const roundsOf = (at: string) =>
  existsSync(join(at, 'indexes')) ? readdirSync(join(at, 'indexes')) : [];

function filesOf(at: string): string[] {
  const [round = ''] = roundsOf(at);
  return readdirSync(join(at, 'indexes', round)).map((name) => join(at, 'indexes', round, name));
}

const DAMAGED = /^saved index .*: damaged;/;

async function expectSound(db: Jdbx): Promise<void> {
  const { problems } = await db.check();
  // A damaged file is told, and costs nothing but time: what is in use is compared besides.
  expect(problems.filter((problem) => !DAMAGED.test(problem))).toEqual([]);
  for (const filter of [{ session: 'session-7' }, { tags: 9 }, { rate: { $gte: 90 } }]) {
    const found = await db
      .query({ _type: 'call', ...filter })
      .sort({ _id: 1 })
      .toArray();
    const all = await db.query(filter).sort({ _id: 1 }).toArray();
    expect(found).toEqual(all.filter(({ _type }) => _type === 'call'));
  }
}

/** Opens, checks and closes; tells whether the round on disk was used. */
async function openAndCheck(at: string, options: OpenOptions = {}): Promise<boolean> {
  const db = await openAt(at, options);
  try {
    await expectSound(db);
    return (db.indexes.savedSeq ?? 0) > 0;
  } finally {
    await db.close();
  }
}

async function work(at: string, seed: number, commits: number, options: OpenOptions = {}) {
  const db = await openAt(at, options);
  const random = randomOf(seed);
  for (let n = 0; n < commits; n++) await randomCommit(db, random);
  await db.close();
}

/** A tail short enough that no round follows it. */
const KEEP: OpenOptions = { saveIndexesAfter: 1e9 };

describe.skipIf(indexEngine !== 'native')('a store whose indexes are saved', () => {
  test('opens from them, and they are those of its last commit when it was closed', async () => {
    const db = await openAt(path);
    expect(db.indexes).toEqual({ engine: 'native', reason: undefined, savedSeq: db.seq });
    await expectSound(db);
    await db.close();
    expect(roundsOf(path)).toEqual([String(db.seq)]);
  });

  test('catches up with what was committed after the save', async () => {
    for (let round = 1; round <= 6; round++) {
      await work(path, round, 8, KEEP);
      expect(await openAndCheck(path, KEEP)).toBe(true);
    }
  });

  test('keeps one round, and drops what a killed process left of another', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    mkdirSync(join(path, 'indexes', `writing-${gone.pid}`));
    await work(path, 3, 40);
    const rounds = roundsOf(path);
    expect(rounds).toHaveLength(1);
    expect(Number(rounds[0])).toBeGreaterThan(0);
    expect(await openAndCheck(path)).toBe(true);
  });

  test('saves in the background while it is written to and read', async () => {
    const db = await openAt(path, { saveIndexesAfter: 300 });
    const before = db.indexes.savedSeq as number;
    const random = randomOf(8);
    while ((db.indexes.savedSeq as number) <= before) {
      await randomCommit(db, random);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expectSound(db);
    await db.close();
    expect(await openAndCheck(path)).toBe(true);
  });

  test('removes documents and indexes that the save still had', async () => {
    const db = await openAt(path, KEEP);
    await db.remove({ _type: 'call', rate: { $lt: 50 } }, { many: true });
    await db.remove('index:call.tags');
    await db.put({
      ...INDEXES[0],
      _id: 'index:call.session',
      key: { domain: 1, session: -1 },
    } as never);
    await db.close();
    expect(await openAndCheck(path, KEEP)).toBe(true);
  });

  test('goes on after the portable index has written to it', async () => {
    const options = { env: { ...process.env, JDBX_NATIVE: '0' } };
    execFileSync(process.execPath, [CHILD, path, '5', '12'], options);
    expect(await openAndCheck(path)).toBe(true);
  });

  test('lives through kills at any moment, during a save as well', {
    timeout: 60_000,
  }, async () => {
    const random = randomOf(77);
    for (let round = 0; round < 5; round++) {
      const acknowledged = 1 + Math.floor(random() * 25);
      const lines = await runAndKill(path, round, acknowledged, random() * 30);
      const db = await openAt(path, KEEP);
      expect(db.seq).toBeGreaterThanOrEqual(Number(lines.at(-1)));
      await expectSound(db);
      await db.close();
    }
  });
});

/** The numbers of the commits that were acknowledged before the kill. */
async function runAndKill(
  at: string,
  seed: number,
  acknowledged: number,
  afterMs: number,
): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, [CHILD, at, String(seed), '100000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const exited = once(child, 'close');
  let killing = false;
  child.stdout?.on('data', (chunk) => {
    output += chunk;
    if (killing || output.split('\n').length < acknowledged + 2) return;
    killing = true;
    setTimeout(() => child.kill('SIGKILL'), afterMs);
  });
  await exited;
  return output.split('\n').slice(1, -1);
}

/** Each damages one file of a round; `random` chooses where. */
const DAMAGE: Record<string, (file: string, random: () => number) => void> = {
  'was cut short': (file, random) => truncateSync(file, Math.floor(statSync(file).size * random())),
  'is empty': (file) => truncateSync(file, 0),
  'is foreign': (file) =>
    writeFileSync(file, 'no index at all, but some text instead'.repeat(9_000)),
  'is gone': (file) => rmSync(file),
  'has a flipped bit in its front': (file, random) =>
    change(file, Math.floor(random() * 3_000), 1, flip),
  'has a flipped bit': (file, random) => change(file, somewhere(file, random), 1, flip),
  'has a page of zeros': (file, random) => change(file, pageOf(file, random), PAGE, zero),
  'has two pages in each other’s place': (file) => {
    const first = readAt(file, BODY, PAGE);
    writeAt(file, BODY, readAt(file, BODY + PAGE, PAGE));
    writeAt(file, BODY + PAGE, first);
  },
};

const flip = (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(0) ^ 0x10, 0);
const zero = (bytes: Buffer) => bytes.fill(0);
const somewhere = (file: string, random: () => number) =>
  BODY + Math.floor(random() * usedOf(file));
/** A page that is not zeros already. */
const pageOf = (file: string, random: () => number) =>
  BODY + Math.floor((random() * usedOf(file)) / PAGE) * PAGE;

/** Behind it, a file is padded with zeros. */
function usedOf(file: string): number {
  const body = readAt(file, BODY, statSync(file).size - BODY);
  let end = body.length;
  while (end > 0 && body[end - 1] === 0) end--;
  return end;
}

function readAt(file: string, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const handle = openSync(file, 'r');
  readSync(handle, bytes, 0, length, at);
  closeSync(handle);
  return bytes;
}

function writeAt(file: string, at: number, bytes: Buffer): void {
  const handle = openSync(file, 'r+');
  if (at + bytes.length <= fstatSync(handle).size) writeSync(handle, bytes, 0, bytes.length, at);
  closeSync(handle);
}

function change(file: string, at: number, length: number, edit: (bytes: Buffer) => void): void {
  const bytes = readAt(file, at, length);
  edit(bytes);
  writeAt(file, at, bytes);
}

/** Writes a sound file again without the entries of some documents. */
async function loseEntries(file: string): Promise<void> {
  const files = indexKind.files as IndexFiles;
  const label = files.readLabel(file) as string;
  const index = files.open(file) as OrderedIndex;
  files.purge(
    index,
    Array.from({ length: 400 }, (_, ref) => ref),
  );
  rmSync(file);
  await files.save(index, file, JSON.parse(label).seq, label);
  index.close();
}

describe.skipIf(indexEngine !== 'native')('a saved index that', () => {
  test.each(Object.keys(DAMAGE))('%s costs time, and no answer', async (name) => {
    const random = randomOf(name.length);
    await work(path, 11, 3, KEEP);
    const files = filesOf(path);
    for (const file of [...files.slice(0, 2), ...files.slice(-1)]) {
      const copy = join(place, `store-${stores++}`);
      cpSync(path, copy, { recursive: true });
      DAMAGE[name]?.(file.replace(path, copy), random);
      await openAndCheck(copy, KEEP);
      rmSync(copy, { recursive: true });
    }
    for (const file of files) DAMAGE[name]?.(file, random);
    expect(await openAndCheck(path, KEEP)).toBe(false);
  });

  test('is damaged is told of by a check, and so is one that holds what no scan gives', async () => {
    await work(path, 16, 3, KEEP);
    const files = filesOf(path);
    const db = await openAt(path, KEEP);
    expect(await db.check()).toMatchObject({ ok: true, savedIndexes: files.length });
    await db.close();
    const { files: reading } = indexKind;
    const tags = files.find((file) => reading?.readLabel(file)?.includes('"multikey":true'));
    const [first = ''] = files.filter((file) => file !== tags);
    change(first, somewhere(first, randomOf(5)), 1, flip);
    const damaged = await openAt(path, KEEP);
    const report = await damaged.check();
    expect(report).toMatchObject({ ok: false, savedIndexes: files.length - 1 });
    expect(report.problems).toEqual([expect.stringMatching(DAMAGED)]);
    await damaged.close();
    rmSync(first);
    await loseEntries(tags as string);
    const lying = await openAt(path, KEEP);
    const { ok, problems } = await lying.check();
    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.stringMatching(/^saved index .*: misses an entry of /));
    await lying.close();
  });

  test('is older than the log reaches back is not used', async () => {
    await work(path, 12, 30, { ...KEEP, logCommits: 5 });
    expect(await openAndCheck(path, { ...KEEP, logCommits: 5 })).toBe(false);
  });

  test('is newer than the documents is not used', async () => {
    const old = join(place, `store-${stores++}`);
    cpSync(path, old, { recursive: true });
    await work(path, 13, 30);
    rmSync(join(old, 'indexes'), { recursive: true });
    cpSync(join(path, 'indexes'), join(old, 'indexes'), { recursive: true });
    expect(await openAndCheck(old, KEEP)).toBe(false);
  });

  test('is of another history with the same numbers of commits is not used', async () => {
    const other = join(place, `store-${stores++}`);
    cpSync(path, other, { recursive: true });
    await work(path, 14, 30);
    await work(other, 15, 40, KEEP);
    rmSync(join(other, 'indexes'), { recursive: true });
    cpSync(join(path, 'indexes'), join(other, 'indexes'), { recursive: true });
    expect(Number(roundsOf(other)[0])).toBeGreaterThan(20);
    expect(await openAndCheck(other, KEEP)).toBe(false);
  });
});

describe.skipIf(indexEngine !== 'native')('a save that cannot be written', () => {
  test('is given up, and the store goes on', async () => {
    rmSync(join(path, 'indexes'), { recursive: true });
    writeFileSync(join(path, 'indexes'), 'in the way');
    await work(path, 21, 20);
    expect(await openAndCheck(path)).toBe(false);
  });

  test('for lack of room leaves nothing behind, and the store goes on', async ({ skip }) => {
    const indexes = join(path, 'indexes');
    rmSync(indexes, { recursive: true });
    mkdirSync(indexes);
    if (!mountSmall(indexes)) return skip('this needs the right to mount');
    try {
      await work(path, 22, 20);
      expect(readdirSync(indexes)).toEqual([]);
      expect(await openAndCheck(path)).toBe(false);
    } finally {
      execFileSync('umount', [indexes]);
    }
    await work(path, 23, 20);
    expect(await openAndCheck(path)).toBe(true);
  });
});

function mountSmall(at: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a store of the portable index saves nothing, says why, and opens from its documents', () => {
  const script = `import { open } from '#jdbx/index.js';
    const db = await open(${JSON.stringify(path)}, { resume: false, saveIndexesAfter: 100 });
    await db.put({ _id: 'call:new', _type: 'call', session: 'session-7' });
    const found = await db.query({ _type: 'call', _id: 'call:new', session: 'session-7' }).count();
    const { ok } = await db.check();
    console.log(JSON.stringify({ ...db.indexes, found, ok }));
    await db.close();`;
  const before = roundsOf(path);
  const options = {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { ...process.env, JDBX_NATIVE: '0' },
    encoding: 'utf8' as const,
  };
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], options);
  expect(JSON.parse(output)).toEqual({
    engine: 'portable',
    reason: 'JDBX_NATIVE=0 asks for the portable index',
    found: 1,
    ok: true,
  });
  expect(roundsOf(path)).toEqual(before);
});
