import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx, RunDocument } from '#jdbx/index.js';
import { openStore, pipeline, runFailure, transformer } from './support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
});

afterAll(() => db.close());

const say = (name: string, word: string) => transformer(name, `export default () => '${word}'`);
const asking = (name: string) =>
  pipeline(`ask-${name}`, [
    { name: 'ask', wait: { answer: {} } },
    { name: 'say', transformer: `transformer:${name}` },
  ]);

/** A run that waits, and is pinned to a transformer that it has not used yet. */
async function waitingRun(name: string): Promise<string> {
  await db.put([say(name, 'old'), asking(name)]);
  return (await db.run(`pipeline:ask-${name}`)).id;
}

async function goOn(run: string, wait = 'ask') {
  await db.answer(run, wait, null);
  return db.ended(run);
}

describe('a run under way', () => {
  it('keeps the revision and the content of every definition', async () => {
    const run = (await db.runOf(await waitingRun('kept'))) as RunDocument;
    const ids = ['pipeline:ask-kept', 'transformer:kept'];
    expect(Object.keys(run.definitions).sort()).toEqual(ids);
    expect(Object.keys(run.definition_hashes).sort()).toEqual(ids);
    expect(run.definition_hashes['transformer:kept']).toMatch(/^[0-9a-f]{64}$/);
    const [start] = await db.audit.query({ run: run._id, kind: 'run-start' });
    expect(start).toMatchObject({ definition_hashes: run.definition_hashes });
  });

  it('uses what it began with, edited since or removed', async () => {
    const edited = await waitingRun('edited');
    await db.put(say('edited', 'new'));
    expect((await goOn(edited)).output).toBe('old');
    const removed = await waitingRun('removed');
    await db.remove('transformer:removed');
    expect((await goOn(removed)).output).toBe('old');
  });

  it('keeps to its own content where a definition was removed and put again', async () => {
    const run = await waitingRun('anew');
    await db.remove('transformer:anew');
    await db.put(say('anew', 'other'));
    expect((await goOn(run)).output).toBe('old');
  });

  it('does not take another content with the number of its revision for its own', async () => {
    const run = await waitingRun('moved');
    await db.put(say('moved', 'new'));
    const filter = { _type: { $in: ['run', 'wait', 'pipeline', 'transformer'] } };
    let text = '';
    for await (const line of db.export(filter)) text += line;
    // In another store every document begins with revision 1, whatever it holds by now.
    await using other = await openStore();
    await other.import({ text });
    await other.answer(run, 'ask', null);
    expect(await runFailure(other.ended(run))).toMatchObject({
      outer: 'RUN_FAILED',
      code: 'DEFINITION_CHANGED',
      stage: 'say',
    });
  });

  it('pins what it only finds out itself when it first uses it', async () => {
    await db.put([
      say('late', 'old'),
      {
        _id: 'engine:late',
        _type: 'execution_engine',
        code: `async function run() {
          const stage = { name: 'say', transformer: 'transformer:late' };
          const first = await executeStage(stage);
          await executeStage({ name: 'ask', wait: { answer: {} } });
          return [first, await executeStage(stage)];
        }`,
      },
    ]);
    const { id } = await db.run('engine:late');
    expect((await db.runOf(id))?.definitions).toMatchObject({ 'transformer:late': 1 });
    expect((await db.runOf(id))?.definition_hashes).toHaveProperty(['transformer:late']);
    await db.put(say('late', 'new'));
    expect((await goOn(id, 'program/2/ask')).output).toEqual(['old', 'old']);
  });

  it('pins the pick of a strategy, and what a fallback may choose', async () => {
    await db.put([
      { _id: 'integration:q1', _type: 'integration', provider: 'extractive' },
      { _id: 'integration:q2', _type: 'integration', provider: 'extractive' },
      {
        _id: 'orchestrator:pick',
        _type: 'llm_orchestrator',
        strategy: "function pick() { return 'integration:q1' }",
        fallback_chain: ['integration:q2'],
      },
      pipeline('pick', [
        {
          name: 'say',
          integration: 'orchestrator:pick',
          inputs: { prompt: 'x' },
          context: ['x is y.'],
        },
      ]),
    ]);
    const { id } = await db.run('pipeline:pick');
    const { definitions, definition_hashes } = (await db.runOf(id)) as RunDocument;
    const ids = ['integration:q1', 'integration:q2', 'orchestrator:pick', 'pipeline:pick'];
    expect(Object.keys(definitions).sort()).toEqual(ids);
    expect(Object.keys(definition_hashes).sort()).toEqual(ids);
  });
});
