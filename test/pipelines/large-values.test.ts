import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { openStore, pipeline, transformer } from './support.js';

let db: Jdbx;
beforeAll(async () => {
  db = await openStore();
});
afterAll(() => db.close());

it('a large value whose stored parts were changed is found by a check', async () => {
  const code = `function make() {
    const turns = Array.from({ length: 200 }, (_, n) => ({ n, text: 'x'.repeat(1000) + n }));
    return { turns, note: 'short' };
  }`;
  await db.put([
    transformer('make', code),
    pipeline('p', [{ name: 'make', transformer: 'transformer:make' }]),
  ]);
  const { output } = await db.run('pipeline:p');
  expect((output as { turns: unknown[] }).turns).toHaveLength(200);
  const blobs = await db.query({ _type: 'blob' }).toArray();
  const nodes = blobs.filter(({ _id }) => _id.startsWith('blob:tree:'));
  const leaves = blobs.filter(({ _id }) => !_id.startsWith('blob:tree:'));
  expect(nodes.length).toBeGreaterThan(1);
  expect(leaves.length).toBeGreaterThan(5);
  expect((await db.check()).ok).toBe(true);
  for (const { _rev, ...changed } of [nodes[0], leaves[0]] as (typeof nodes)[number][]) {
    await db.put({ ...changed, parts: ['blob:other'], value: [1] });
    const report = await db.check();
    expect(report.ok).toBe(false);
    expect(JSON.stringify(report)).toContain(changed._id);
    await db.put(changed);
    expect((await db.check()).ok).toBe(true);
  }
});
