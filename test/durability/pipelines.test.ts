/**
 * The kit that kills pipelines, at work on pipelines that have a stage of every kind between
 * them; and that it sees what is wrong, so that "nothing" means something. `npm run torture`
 * does the same for longer.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jdbx, type NewDocument, open } from '#jdbx/index.js';
import { kindOf } from '#jdbx/pipelines/stage-kinds.js';
import { type Before, type Call, judge, lookBefore } from '#jdbx/torture/judge.js';
import { sampleOf } from '#jdbx/torture/stand-in.js';
import { torture } from '#jdbx/torture/torture.js';
import { DEFINITIONS, WORKS } from './every-kind.mjs';

const KILLS = 100;
const directory = mkdtempSync(join(tmpdir(), 'jdbx-torture-test-'));
const hasCompiler = spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0;
let db: Jdbx;

beforeAll(async () => {
  db = await open(join(directory, 'store'), { env: {}, workers: 1 });
  await db.put([...DEFINITIONS]);
});

afterAll(async () => {
  await db?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The kinds of the stages of a list, those within others included. */
function kindsIn(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const each of value) kindsIn(each, found);
  else if (typeof value === 'object' && value !== null) {
    if ('name' in value && !('_type' in value)) {
      try {
        found.add(kindOf(value as never).name);
      } catch {
        // A case of a branch has a name too.
      }
    }
    for (const each of Object.values(value)) kindsIn(each, found);
  }
  return found;
}

describe(`pipelines of every kind of stage, killed ${KILLS} times`, () => {
  it('have every kind of stage between them', () => {
    const pipelines = DEFINITIONS.filter(({ _type }) => _type === 'pipeline');
    expect([...kindsIn(pipelines)].sort()).toEqual(
      [
        'branch',
        'emit',
        'integration',
        'loop',
        'map',
        'parallel',
        'pipeline',
        'program',
        'prompt',
        'tool',
        'transformer',
        'wait',
      ].sort(),
    );
  });

  it('end as if nothing had happened', async () => {
    const report = await torture(db, { works: WORKS, kills: KILLS, seed: 11 });
    expect(report.problems.join('\n')).toBe('');
    expect(report.ok).toBe(true);
    expect(report.kills).toBeGreaterThanOrEqual(KILLS);
    expect(report.atCommits).toBeGreaterThan(KILLS / 2);
    expect(report.judged).toBeGreaterThan(0);
    expect(report.calls).toBeGreaterThanOrEqual(report.callsNeeded);
    expect(report.callsNeeded).toBeGreaterThan(0);
    // The store itself is as it was.
    expect(await db.query({ _type: 'run' }).count()).toBe(0);
  }, 120_000);

  it.skipIf(!hasCompiler)(
    'do so as well when what was not flushed is lost with them',
    async () => {
      const works = WORKS.slice(1, 2);
      const report = await torture(db, { works, kills: 16, seed: 5, shards: 1, powerLoss: true });
      expect(report.problems.join('\n')).toBe('');
      expect(report.kills).toBeGreaterThanOrEqual(16);
      expect(report.lostWrites).toBeGreaterThan(0);
    },
    120_000,
  );
});

describe('the kit sees', () => {
  it('a pipeline that does something else after a kill', async () => {
    await db.put([
      {
        _id: 'transformer:odd',
        _type: 'transformer',
        code: `function f() {
          const cut = db.query({ _type: 'audit', kind: 'run-resume' }).length > 0;
          return db.insert({ _id: cut ? 'odd:late' : 'odd:usual', _type: 'odd' })._id;
        }`,
        permissions: ['db.query', 'db.insert:odd'],
      },
      {
        _id: 'pipeline:odd',
        _type: 'pipeline',
        stages: [{ name: 'odd', transformer: 'transformer:odd' }],
      },
    ] as NewDocument[]);
    const works = [{ pipeline: 'pipeline:odd', input: {} }];
    const report = await torture(db, { works, kills: 6, shards: 1, keep: false });
    expect(report.ok).toBe(false);
    expect(report.problems.join('\n')).toContain('odd odd:late is there too often');
  }, 60_000);

  describe('in what a run left', () => {
    let store: Jdbx;
    let before: Before;
    let calls: Call[];

    beforeAll(async () => {
      calls = [];
      const openai = {
        name: 'openai',
        local: true,
        generate: async ({ idempotencyKey }: { idempotencyKey: string }) => {
          calls.push({ key: idempotencyKey, hash: '' });
          const usage = { input_tokens: 7, output_tokens: 3 };
          return { text: 'yes', model: 'm', finish: 'stop' as const, usage };
        },
      };
      store = await open(':memory:', { env: {}, workers: 1, providers: [openai] });
      await store.put([...DEFINITIONS]);
      before = await lookBefore(store);
      const [mixed] = WORKS;
      const { id } = await store.run(mixed?.pipeline as string, mixed?.input, {
        key: 'torture',
        session: 'session:torture',
      });
      await store.ended(id);
    });

    afterAll(() => store?.close());

    const problems = async (left: readonly Call[] = calls) =>
      (await judge(store, 'run:torture', before, left)).problems;

    it('nothing, when nothing is wrong', async () => {
      expect(await problems()).toEqual([]);
    });

    it('a call that never left', async () => {
      expect(await problems(calls.slice(1))).toEqual([
        `the audit trail has ${calls.length} calls, only ${calls.length - 1} left`,
      ]);
    });

    it('an effect that happened twice, and one that is gone', async () => {
      await store.update({ _id: 'total:1', _type: 'total' }, { $inc: { n: 1 } });
      await store.remove('mark:ada');
      const found = await problems();
      expect(found).toContain('total:1 has revision 2: expected 1, by 1 audited writes');
      expect(found).toContain('mark:ada was written and is missing');
    });

    it('a counter that is off, a checkpoint that is gone, and money that stays set aside', async () => {
      await store.update(
        { _id: 'session:torture', _type: 'session' },
        { $inc: { 'usage.calls': 1 } },
      );
      await store.remove('checkpoint:run:torture:mark');
      await store.put({ _id: 'reservation:x', _type: 'reservation' });
      const found = (await problems()).join('\n');
      expect(found).toMatch(/session:torture counts \d+ calls, the audit trail \d+/);
      expect(found).toContain('checkpoint: run:torture mark is missing');
      expect(found).toContain('reservation:x was left');
    });
  });

  it('no kills but whole numbers of them', async () => {
    await expect(torture(db, { works: [], kills: 0 })).rejects.toThrow(TypeError);
    await expect(torture(db, { works: [], kills: 1.5 })).rejects.toThrow('a whole number');
  });
});

it('answers in the place of a model what a schema asks for', () => {
  const schema = {
    type: 'object',
    properties: {
      n: { type: 'integer', minimum: 3 },
      kind: { enum: ['a', 'b'] },
      more: { type: 'array', minItems: 1, items: { type: 'boolean' } },
      left: { type: 'string' },
    },
    required: ['n', 'kind', 'more'],
  };
  expect(sampleOf(schema)).toEqual({ n: 3, kind: 'a', more: [true] });
});
