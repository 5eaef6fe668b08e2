import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';

let db: Jdbx;
beforeEach(async () => {
  db = await open(':memory:');
});
afterEach(() => db.close());

/** A pipeline whose stages each hand the whole history on with 2 KB more. */
async function runHandingOn(stages: number, code: string) {
  await db.put([
    { _id: 'transformer:more', _type: 'transformer', code, limits: { output_kb: 8_192 } },
    {
      _id: 'pipeline:growing',
      _type: 'pipeline',
      stages: Array.from({ length: stages }, (_, at) => ({
        name: `s${at}`,
        transformer: 'transformer:more',
      })),
    },
  ]);
  return db.run('pipeline:growing', { history: [], about: { kept: true } });
}

const IN_A_FIELD = `function more({ history, about }) {
  return { before: 1, history: [...history, history.length + ':' + '.'.repeat(2048)], about };
}`;

function historyOf(stages: number): string[] {
  return Array.from({ length: stages }, (_, at) => `${at}:${'.'.repeat(2_048)}`);
}

describe('a history that is handed from stage to stage', () => {
  it('arrives whole, its fields in their order', async () => {
    const { output } = await runHandingOn(120, IN_A_FIELD);
    expect(output).toEqual({ before: 1, history: historyOf(120), about: { kept: true } });
    expect(Object.keys(output as object)).toEqual(['before', 'history', 'about']);
  });

  it('shares what the stages have in common, so that it costs what they add', async () => {
    await runHandingOn(120, IN_A_FIELD);
    const blobs = await db.query({ _type: 'blob' });
    const bytes = blobs.reduce((sum, blob) => sum + JSON.stringify(blob).length, 0);
    const whole = JSON.stringify(historyOf(120)).length;
    // Stored whole at each stage it would be 60 times the last one.
    expect(bytes).toBeGreaterThan(whole);
    expect(bytes).toBeLessThan(8 * whole);
  });

  it('names a part that is gone', async () => {
    const { id } = await runHandingOn(80, IN_A_FIELD);
    const run = await db.runOf(id);
    const node = await db.get<{ fields: { history: string } }>(String(run?.output_ref));
    await db.remove(String(node?.fields.history));
    const again = db.run('pipeline:growing', {}, { key: id.slice('run:'.length) });
    await expect(again).rejects.toMatchObject({
      code: 'MISSING_DOCUMENT',
      details: { id: node?.fields.history },
    });
  });
});
