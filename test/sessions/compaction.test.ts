import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { killAtWork, killsOf } from '../pipelines/kill-at-work.js';
import { failure, openStore, pipeline, storeFolder, transformer } from '../pipelines/support.js';

interface Session {
  readonly turns: number;
  readonly state: { readonly token_count: number };
  readonly usage: { readonly calls: number; readonly input_tokens: number };
  readonly compacted?: { readonly upto: number; readonly summary: string };
}

const sessionOf = async (db: Jdbx, id: string) => (await db.get<Session>(id)) as Session;

describe('a session that names a compactor', () => {
  let db: Jdbx;

  beforeAll(async () => {
    db = await openStore();
    await db.put([
      { _id: 'integration:quote', _type: 'integration', provider: 'extractive' },
      transformer(
        'fold',
        "export default ({ summary, turns }) => (summary ? summary + '+' : '') + turns.length",
      ),
      transformer('bad', "export default () => { throw new Error('no idea') }"),
      transformer('empty', 'export default () => ({ text: 7 })'),
      transformer('seen', 'export default ({ history }) => history'),
      pipeline('talk', [
        {
          name: 'say',
          integration: 'integration:quote',
          inputs: { prompt: '$input.text' },
          context: ['Rivers flow to the sea.'],
        },
      ]),
      pipeline('history', [
        { name: 'seen', transformer: 'transformer:seen', inputs: ['session_id'] },
      ]),
    ]);
  });

  afterAll(() => db.close());

  async function talk(id: string, compaction: object, times: number): Promise<Session> {
    await db.put({ _id: id, _type: 'session', turns: 0, state: { token_count: 0 }, compaction });
    for (let n = 1; n <= times; n++) {
      await db.run('pipeline:talk', { text: `Where do rivers flow, ${n}?` }, { session: id });
    }
    return sessionOf(db, id);
  }

  it('has older turns folded when they pass its bound, and keeps the newest', async () => {
    const rule = { by: 'transformer:fold', when: { messages: 4 }, keep: 2 };
    const session = await talk('session:folded', rule, 5);
    // 6 turns: 4 are folded; 8 turns: 4 are open; 10 turns: 6 are open, 4 more are folded.
    expect(session).toMatchObject({ turns: 10, compacted: { upto: 8, summary: '4+4' } });
    const { output } = await db.run('pipeline:history', {}, { session: 'session:folded' });
    expect((output as { content: string }[]).map(({ content }) => content)).toEqual([
      '4+4',
      'Where do rivers flow, 5?',
      'Rivers flow to the sea.',
    ]);
  });

  it('keeps every turn where it was, and says in the audit trail what was folded', async () => {
    expect(await db.query({ _type: 'turn', session: 'session:folded' }).count()).toBe(10);
    const folds = await db.audit
      .query({ kind: 'stage', stage: 'compact', session: 'session:folded' })
      .sort({ n: 1 });
    expect(folds.map(({ from, upto, path, status }) => [from, upto, path, status])).toEqual([
      [0, 4, '@compact/4/fold', 'done'],
      [4, 8, '@compact/8/fold', 'done'],
    ]);
  });

  it('may have a bound of tokens', async () => {
    const rule = { by: 'transformer:fold', when: { tokens: 12 }, keep: 1 };
    const session = await talk('session:tokens', rule, 3);
    expect(session.compacted?.upto).toBeGreaterThanOrEqual(3);
  });

  it.each([
    ['transformer:bad', 'no idea'],
    ['transformer:empty', 'expected a summary'],
    ['transformer:absent', 'transformer:absent'],
  ])('stays as it is when %s fails, and the run goes on', async (by, text) => {
    const id = `session:${by}`;
    const session = await talk(id, { by, when: { messages: 1 }, keep: 0 }, 2);
    expect(session).toMatchObject({ turns: 4 });
    expect(session.compacted).toBeUndefined();
    const warnings = await db.audit.query({ kind: 'stage', stage: 'compact', status: 'continued' });
    const errors = warnings.map(({ error }) => error as { code: string; message: string });
    const own = errors.filter(({ message }) => message.includes(by));
    // At the end of each run, and once more when the next one begins.
    expect(own.map(({ code }) => code)).toEqual(Array(3).fill('COMPACTION_FAILED'));
    expect(own.every(({ message }) => message.includes(text))).toBe(true);
  });

  it.each([
    [{ by: '', when: { tokens: 1 } }, 'compaction.by'],
    [{ by: 'x', when: {} }, 'compaction.when'],
    [{ by: 'x', when: { words: 1 } }, 'compaction.when.words'],
    [{ by: 'x', when: { tokens: 0 } }, 'compaction.when.tokens'],
    [{ by: 'x', when: { tokens: 1 }, keep: -1 }, 'compaction.keep'],
    [{ by: 'x', when: { tokens: 1 }, often: true }, 'compaction.often'],
    ['transformer:fold', 'compaction'],
  ])('is refused when it is written with %j', async (compaction, path) => {
    const document = { _id: 'session:wrong', _type: 'session', compaction };
    expect(await failure(db.put(document))).toMatchObject({ code: 'INVALID_DOCUMENT', path });
  });
});

/**
 * A process talks in one session from several runs at a time, has it folded by a pipeline that
 * calls a model, and is killed with SIGKILL at seeded random moments; then it may finish.
 */
describe('a session that is folded while its process is killed', () => {
  const JOB = new URL('./compaction-job.mjs', import.meta.url).pathname;
  const folder = storeFolder();
  const KILLS = killsOf(1);
  let killed = 0;
  let db: Jdbx;
  let keys: string[] = [];
  let bound = 0;

  beforeAll(async () => {
    const url = new URL('./compaction-documents.mjs', import.meta.url).href;
    ({ KEYS: keys, BOUND: bound } = (await import(url)) as { KEYS: string[]; BOUND: number });
    const directory = folder.path;
    killed = await killAtWork({ job: JOB, directory, kills: KILLS, seed: 4_711, stagesMax: 12 });
    db = await open(folder.path, { env: {}, resume: false });
  }, 120_000);

  afterAll(async () => {
    await db?.close();
    folder.remove();
  });

  it('was really killed at work', () => expect(killed).toBeGreaterThanOrEqual(Math.min(KILLS, 1)));

  it('holds every turn once, and folds each in its order into one summary', async () => {
    const turns = await db.query({ _type: 'turn', session: 'session:talk' });
    expect(turns.map(({ n }) => n)).toEqual(
      Array.from({ length: 4 * keys.length }, (_, n) => n + 1),
    );
    const { compacted, turns: total } = await sessionOf(db, 'session:talk');
    const upto = compacted?.upto as number;
    expect(total - upto).toBeLessThanOrEqual(bound);
    const numbers = Array.from({ length: upto }, (_, n) => n + 1).join();
    expect(compacted?.summary).toBe(numbers);
  });

  it('counts every call, those of its compactor too', async () => {
    const calls = await db.audit.query({ kind: 'llm-call' });
    const answered = calls.filter(({ response }) => response !== undefined);
    expect(await sessionOf(db, 'session:talk')).toMatchObject({
      usage: { calls: calls.length, input_tokens: 7 * answered.length },
      state: { token_count: 10 * answered.length },
    });
    expect((await db.check()).problems).toEqual([]);
    expect(await db.audit.verify()).toMatchObject({ ok: true });
  });
});
