import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { linesOf, Place } from './support.ts';

const place = new Place();

beforeAll(async () => {
  const db = await open(place.store, { workers: 1 });
  await db.put([
    {
      _id: 'transformer:good',
      _type: 'transformer',
      code: 'export default ({ n }) => n + 1',
      tests: [{ name: 'adds', input: { n: 1 }, expected: 2 }],
    },
    {
      _id: 'transformer:bad',
      _type: 'transformer',
      code: 'export default ({ n }) => { if (!n) throw new Error("no n"); return { n: { half: n / 2 } } }',
      tests: [
        { name: 'halves', input: { n: 4 }, expected: { n: { half: 3 } } },
        { name: 'throws', input: {}, expected: 1 },
        { name: 'fails', input: { n: 4 }, expected_error: { code: 'X' } },
      ],
    },
  ]);
  await db.close();
});
afterAll(() => place[Symbol.dispose]());

describe('test', () => {
  it('ends with 0 when all tests pass', async () => {
    const ended = await place.run(['test', 'transformer:good']);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(linesOf(ended)).toMatchObject([
      { document: 'transformer:good', test: 'adds', ok: true },
    ]);
  });

  it('runs every test there is, and ends with 1 when one fails', async () => {
    const ended = await place.run(['test']);
    expect(ended.code).toBe(1);
    expect(linesOf(ended).map(({ test, ok }) => [test, ok])).toEqual([
      ['halves', false],
      ['throws', false],
      ['fails', false],
      ['adds', true],
    ]);
  });

  it('shows people a table, and each failure with its differences', async () => {
    const { code, out, err } = await place.run([
      'test',
      'transformer:bad',
      'transformer:good',
      '--no-json',
    ]);
    expect(code).toBe(1);
    expect(out).toMatch(/^FAIL +transformer:bad +halves/m);
    expect(out).toMatch(/^ok +transformer:good +adds/m);
    expect(out).toContain('transformer:bad: halves\n  n.half: expected 3, got 2\n');
    expect(out).toMatch(/got GUEST_ERROR: Error: no n \(transformer:bad, line 1, column \d+\)/);
    expect(out).toContain('expected an error, {"code":"X"}\n  got {"n":{"half":2}}');
    expect(err).toContain('1 passed, 3 failed');
  });

  it('ends with 1 for a document that is not there', async () => {
    const ended = await place.run(['test', 'transformer:none']);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain('MISSING_DOCUMENT');
  });
});
