import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { openStore, pipeline, runFailure, runStage, transformer } from './support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
  await db.put([
    transformer('echo', 'export default (value) => value'),
    transformer('one', 'export default () => 1'),
    { _id: 'project:x', _type: 'project', summary: 'a project' },
    { _id: 'cred:key', _type: 'credential', env: 'SECRET_KEY' },
    {
      _id: 'session:talk',
      _type: 'session',
      mood: 'fine',
      history: [{ role: 'user', content: 'before' }],
    },
  ]);
});

afterAll(() => db.close());

const echo = (inputs: unknown, input: unknown = {}) =>
  runStage(db, { transformer: 'transformer:echo', inputs }, input);

describe('the inputs of a stage', () => {
  it('are the output of the stage before when they are not named, the run’s input at first', async () => {
    await db.put(
      pipeline('chain', [
        { name: 'first', transformer: 'transformer:echo' },
        { name: 'left-out', when: false, transformer: 'transformer:one' },
        { name: 'last', transformer: 'transformer:echo' },
      ]),
    );
    expect((await db.run('pipeline:chain', { a: 1 })).output).toEqual({ a: 1 });
  });

  it('are looked up by name: finished stages first, then fields of the run’s input', async () => {
    await db.put(
      pipeline('names', [
        { name: 'one', transformer: 'transformer:one' },
        { name: 'two', transformer: 'transformer:echo', inputs: ['one', 'other', 'input'] },
      ]),
    );
    const input = { one: 'hidden', other: 2 };
    expect((await db.run('pipeline:names', input)).output).toEqual({ one: 1, other: 2, input });
  });

  it('bring a document along for a name that ends in _id', async () => {
    expect(await echo(['project_id'], { project_id: 'project:x' })).toMatchObject({
      project_id: 'project:x',
      project: { _id: 'project:x', _type: 'project', _rev: 1, summary: 'a project' },
    });
  });

  it('leave an _id that is no text as it is', async () => {
    expect(await echo(['job_id'], { job_id: 7 })).toEqual({ job_id: 7 });
  });

  it('bring session and history along for session_id', async () => {
    const output = await echo(['session_id'], { session_id: 'session:talk' });
    expect(output).toMatchObject({
      session_id: 'session:talk',
      session: { _id: 'session:talk', mood: 'fine' },
      history: [{ role: 'user', content: 'before' }],
    });
  });

  it('may be an expression over the context, or an object of them', async () => {
    expect(await echo('$input.a', { a: [1, 2] })).toEqual([1, 2]);
    const expression = { sum: { $add: ['$input.a', 1] }, whole: '$input', text: 'as it is' };
    expect(await echo(expression, { a: 4 })).toEqual({ sum: 5, whole: { a: 4 }, text: 'as it is' });
  });

  it('see the run’s session in expressions', async () => {
    const input = { session_id: 'session:talk' };
    expect(await echo({ mood: '$session.mood', n: { $size: '$history' } }, input)).toEqual({
      mood: 'fine',
      n: 1,
    });
  });

  it('fail the stage, with their place, when there is nothing by a name', async () => {
    expect(await runFailure(echo(['nothing']))).toMatchObject({
      code: 'MISSING_INPUT',
      stage: 'stage',
      message: expect.stringContaining('at stage.inputs: expected nothing in the context'),
    });
    expect(await runFailure(echo('$input.nothing'))).toMatchObject({ code: 'MISSING_INPUT' });
  });

  it('fail the stage when the document is not there, and for a credential as if it were not', async () => {
    for (const project_id of ['project:gone', 'cred:key']) {
      const { code, message } = await runFailure(echo(['project_id'], { project_id }));
      expect(code).toBe('MISSING_DOCUMENT');
      expect(message).toContain(`expected the document ${project_id} (project_id)`);
      expect(message).not.toContain('SECRET_KEY');
    }
  });
});

describe('when', () => {
  const when = (condition: unknown, input: unknown = {}) =>
    runStage(db, { transformer: 'transformer:one', when: condition }, input);

  it.each([
    [true, 1],
    [false, 0],
    [0, 0],
    ['', 1],
    [null, 0],
    ['$input.missing', 0],
    [{ $gt: ['$input.score', 0.8] }, 1],
    [{ $lt: ['$input.score', 0.8] }, 0],
    [{ $and: ['$input.score', { $in: ['a', '$input.tags'] }] }, 1],
  ])('judges %j as MongoDB would', async (condition, ran) => {
    const input = { score: 0.9, tags: ['a'] };
    // A stage that is left out hands on what came before it.
    expect(await when(condition, input)).toEqual(ran ? 1 : input);
  });

  it('makes the stage null in the context when it is left out', async () => {
    await db.put(
      pipeline('skip', [
        { name: 'maybe', when: '$input.yes', transformer: 'transformer:one' },
        { name: 'after', transformer: 'transformer:echo', inputs: { maybe: '$maybe' } },
      ]),
    );
    const { id, output } = await db.run('pipeline:skip', {});
    expect(output).toEqual({ maybe: null });
    expect(await db.get(`checkpoint:${id}:maybe`)).toMatchObject({ status: 'skipped' });
    expect((await db.run('pipeline:skip', { yes: true })).output).toEqual({ maybe: 1 });
  });

  it('fails the stage when it cannot be evaluated, and on_error holds', async () => {
    const bad = { $divide: [1, '$input.zero'] };
    const stage = { transformer: 'transformer:one', when: bad };
    expect(await runFailure(runStage(db, stage, { zero: 0 }))).toMatchObject({
      code: 'INVALID_EXPRESSION',
      stage: 'stage',
    });
    expect(await runStage(db, { ...stage, on_error: { continue: 7 } }, { zero: 0 })).toBe(7);
  });
});

describe('the output of a pipeline', () => {
  it('is the last stage’s, or an expression over the final context', async () => {
    const stages = [
      { name: 'one', transformer: 'transformer:one' },
      {
        name: 'two',
        transformer: 'transformer:echo',
        inputs: { twice: { $add: ['$one', '$one'] } },
      },
    ];
    await db.put([
      pipeline('last', stages),
      pipeline('chosen', stages, { output: { one: '$one', two: '$two.twice', in: '$input' } }),
      pipeline('nothing', stages, { output: '$input.three' }),
    ]);
    expect((await db.run('pipeline:last')).output).toEqual({ twice: 2 });
    expect((await db.run('pipeline:chosen', 5)).output).toEqual({ one: 1, two: 2, in: 5 });
    expect((await db.run('pipeline:nothing')).output).toBe(null);
  });
});
