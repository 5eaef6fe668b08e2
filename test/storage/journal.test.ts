import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Commit, Engine, EngineSnapshot } from '#jdbx/storage/contract.js';
import { decodeRecord } from '#jdbx/storage/journal/record.js';
import { openMemory } from '#jdbx/storage/memory/engine.js';
import { openEmbedded } from '#jdbx/storage/open-embedded.js';

const folders: string[] = [];
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), 'jdbx-journal-'));
  folders.push(path);
  return path;
};
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** Small layers, so that a few commits go through every state of the journal. */
const SMALL = { layerMaxBytes: 2_000, idleMs: 2 };

const put = (seq: number, id: string, text = ''): Commit => ({
  seq,
  at: seq,
  changes: [
    {
      kind: 'put',
      ref: seq,
      id,
      rev: seq,
      document: { _id: id, _type: 'doc', _rev: seq, text },
      versioned: true,
    },
  ],
});
const commit = (engine: Engine, ...commits: Commit[]) =>
  engine.commit({ commits, names: { last: commits.at(-1)?.seq ?? 0 }, logFrom: 1 });

/** Everything that a snapshot says. */
function all(snapshot: EngineSnapshot, ids: readonly string[]) {
  const strip = ({ document, seq, ref }: { document: object; seq: number; ref: number }) => ({
    document,
    seq,
    ref,
  });
  return {
    seq: snapshot.seq,
    documents: [...snapshot.documents()].map(strip),
    byId: ids.map((id) => snapshot.get(id)?.document),
    revisions: ids.map((id) => [...snapshot.revisions(id)]),
    log: [...snapshot.log(0)],
    logStart: snapshot.logStart(),
    last: snapshot.named('last'),
  };
}

describe('the journal', () => {
  it('takes no space once its store is closed, and begins anew', async () => {
    const path = folder();
    const size = () =>
      ['journal.0', 'journal.1'].reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    for (let round = 0; round < 3; round++) {
      const engine = await openEmbedded(path, SMALL);
      for (let n = 1; n <= 20; n++) {
        const seq = engine.seq + 1;
        await commit(engine, put(seq, `d${seq}`, 'x'.repeat(n === 9 ? 400_000 : 100)));
      }
      expect(size()).toBeGreaterThan(0);
      await engine.close();
      expect(size()).toBe(0);
    }
    const engine = await openEmbedded(path);
    const snapshot = engine.snapshot();
    expect([...snapshot.documents()]).toHaveLength(60);
    expect([...snapshot.log(0)].map(({ seq }) => seq)).toEqual(
      Array.from({ length: 60 }, (_, at) => at + 1),
    );
    snapshot.close();
    await engine.close();
  });

  it('answers as an engine without one does, also through snapshots held meanwhile', async () => {
    const journaled = await openEmbedded(folder(), SMALL);
    const model = openMemory();
    const ids = Array.from({ length: 12 }, (_, n) => `doc:${n}`);
    const held: { journaled: EngineSnapshot; model: EngineSnapshot }[] = [];
    let state = 7;
    const random = (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    for (let seq = 1; seq <= 600; seq++) {
      const id = ids[random(ids.length)] as string;
      const change: Commit =
        random(5) === 0
          ? { seq, at: seq, changes: [{ kind: 'remove', ref: seq, id, type: 'doc', rev: 1 }] }
          : put(seq, id, 'x'.repeat(random(300)));
      const batch = { commits: [change], names: { last: seq }, logFrom: 1 };
      await Promise.all([journaled.commit(batch), model.commit(batch)]);
      if (random(20) === 0) {
        held.push({ journaled: journaled.snapshot(), model: model.snapshot() });
      }
      if (random(15) === 0) await new Promise((resolve) => setTimeout(resolve, 4));
      if (held.length > 5) {
        for (const pair of held.splice(random(held.length), 1)) {
          expect(all(pair.journaled, ids)).toEqual(all(pair.model, ids));
          pair.journaled.close();
          pair.model.close();
        }
      }
    }
    for (const pair of held) {
      expect(all(pair.journaled, ids)).toEqual(all(pair.model, ids));
      pair.journaled.close();
    }
    await journaled.close();
  });

  it('replays what the engine behind has not taken in', async () => {
    const path = folder();
    const killed = await commitAndKill(path, 50);
    const engine = await openEmbedded(path);
    expect(engine.seq).toBeGreaterThanOrEqual(killed.acknowledged);
    await engine.close();
  });

  it('drops a last record that was torn, and nothing before it', async () => {
    const path = folder();
    const { acknowledged } = await commitAndKill(path, 40);
    const torn = newestJournal(path);
    const last = torn.ends.at(-2) ?? 0;
    const bytes = readFileSync(torn.path);
    bytes[last + 20] = (bytes[last + 20] ?? 0) ^ 0xff;
    writeFileSync(torn.path, bytes);
    const engine = await openEmbedded(path);
    expect(engine.seq).toBeGreaterThanOrEqual(acknowledged - 3);
    await commit(engine, put(engine.seq + 1, 'doc:after'));
    await engine.close();
    const again = await openEmbedded(path);
    const snapshot = again.snapshot();
    expect(snapshot.get('doc:after')?.seq).toBe(again.seq);
    snapshot.close();
    await again.close();
  });

  it('keeps every acknowledged commit whole over many kills', async () => {
    const path = folder();
    const newest = new Map<string, number>();
    for (let round = 0; round < 8; round++) {
      const { lines } = await commitAndKill(path, 5 + ((round * 37) % 90), round + 1);
      for (const pair of lines.flatMap((line) => line.split(' '))) {
        const [id = '', rev] = pair.split('=');
        newest.set(id, Number(rev));
      }
      const engine = await openEmbedded(path, SMALL);
      const snapshot = engine.snapshot();
      for (const [id, rev] of newest) {
        // A commit that was on its way when the process was killed may have come through too.
        expect(snapshot.get(id)?.document._rev).toBeGreaterThanOrEqual(rev);
      }
      const log = [...snapshot.log(0)].map(({ seq }) => seq);
      expect(log).toEqual(log.map((_, index) => snapshot.logStart() + index));
      expect(snapshot.named('last')).toBe(engine.seq);
      for (const { document } of snapshot.documents()) newest.set(document._id, document._rev);
      snapshot.close();
      await engine.close();
    }
  });

  it('refuses a journal that goes on after a gap', async () => {
    const path = folder();
    await commitAndKill(path, 30);
    const other = folder();
    const journal = newestJournal(path);
    // The journal of one store beside the engine of another, empty one.
    const empty = await openEmbedded(other);
    await empty.close();
    writeFileSync(join(other, 'journal.0'), readFileSync(journal.path));
    writeFileSync(join(other, 'journal.1'), '');
    expect(journal.first).toBeGreaterThan(1);
    await expect(openEmbedded(other)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('cuts the log at the same place before and after it was taken in', async () => {
    const path = folder();
    const engine = await openEmbedded(path, SMALL);
    for (let seq = 1; seq <= 90; seq++) {
      await engine.commit({ commits: [put(seq, 'doc:1')], names: {}, logFrom: seq - 9 });
      const snapshot = engine.snapshot();
      expect(snapshot.logStart()).toBe(Math.max(1, seq - 9));
      expect([...snapshot.log(0)]).toHaveLength(Math.min(seq, 10));
      snapshot.close();
      if (seq % 30 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await engine.close();
  });

  it('takes everything in at close, so that nothing is left to replay', async () => {
    const path = folder();
    const engine = await openEmbedded(path);
    for (let seq = 1; seq <= 20; seq++) await commit(engine, put(seq, `doc:${seq}`));
    await engine.close();
    for (const file of ['journal.0', 'journal.1']) writeFileSync(join(path, file), '');
    const again = await openEmbedded(path);
    expect(again.seq).toBe(20);
    await again.close();
  });
});

/** Starts a writer and kills it after `count` acknowledged commits. */
async function commitAndKill(path: string, count: number, seed = 1) {
  const script = fileURLToPath(new URL('./journal-writer.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, path, String(seed)]);
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
    if (output.split('\n').length > count + 2) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const [, ...lines] = output.split('\n').slice(0, -1);
  const revs = lines.flatMap((line) => line.split(' ')).map((pair) => Number(pair.split('=')[1]));
  return { lines, acknowledged: Math.max(...revs) };
}

function newestJournal(path: string) {
  const files = ['journal.0', 'journal.1'].map((name) => {
    const bytes = readFileSync(join(path, name));
    const ends: number[] = [];
    let generation = 0;
    let first: number | undefined;
    for (let record = decodeRecord(bytes, 0); record; record = decodeRecord(bytes, record.end)) {
      if (ends.length > 0 && record.generation !== generation) break;
      generation = record.generation;
      first ??= record.first;
      ends.push(record.end);
    }
    return { path: join(path, name), ends, generation, first };
  });
  return files.reduce((newest, file) => (file.generation > newest.generation ? file : newest));
}
