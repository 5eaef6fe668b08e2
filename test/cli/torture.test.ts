import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { Place } from './support.ts';

const place = new Place();

beforeAll(async () => {
  const db = await open(place.store, { workers: 1 });
  await db.put([
    {
      _id: 'transformer:count',
      _type: 'transformer',
      code: `function f({ n }) {
        return db.insert({ _id: 'count:' + n, _type: 'count' })._id;
      }`,
      permissions: ['db.insert:count'],
    },
    {
      _id: 'pipeline:sound',
      _type: 'pipeline',
      stages: [{ name: 'count', transformer: 'transformer:count', inputs: ['n'] }],
    },
    {
      _id: 'transformer:odd',
      _type: 'transformer',
      code: "function f() { return db.query({ _type: 'audit', kind: 'run-resume' }).length }",
      permissions: ['db.query'],
    },
    {
      _id: 'pipeline:odd',
      _type: 'pipeline',
      stages: [{ name: 'odd', transformer: 'transformer:odd' }],
    },
  ]);
  await db.close();
});
afterAll(() => place[Symbol.dispose]());

describe('torture', () => {
  it('ends with 0 when nobody could tell that the pipeline was killed', async () => {
    const args = ['torture', 'pipeline:sound', '-i', '{"n": 7}', '--kills', '6'];
    const ended = await place.run(args);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const report = JSON.parse(ended.out);
    expect(report).toMatchObject({ ok: true, problems: [], seed: 1 });
    expect(report.kills).toBeGreaterThanOrEqual(6);
  }, 90_000);

  it('ends with 1 and says what differs when somebody could', async () => {
    const ended = await place.run(['torture', 'pipeline:odd', '--kills', '4', '--no-json']);
    expect(ended.code).toBe(1);
    expect(ended.out).toContain('NOT safe');
    expect(ended.out).toContain('pipeline:odd, killed');
    expect(ended.err).toMatch(/\d+ of 4 kills/);
  }, 90_000);

  it('refuses a pipeline that is not there, and kills that are no number', async () => {
    const missing = await place.run(['torture', 'pipeline:gone', '--kills', '2']);
    expect(missing.code).toBe(1);
    expect(missing.err + missing.out).toContain('MISSING_DOCUMENT');
    expect((await place.run(['torture', 'pipeline:sound', '--kills', 'x'])).code).toBe(2);
  }, 90_000);
});
