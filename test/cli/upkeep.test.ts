import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { linesOf, Place } from './support.js';

const place = new Place();
beforeAll(async () => {
  const db = await open(place.store);
  for (let n = 1; n <= 6; n++) {
    await db.put({ _id: 'prompt:p', _type: 'prompt', template: String(n) });
    await db.put({ _id: `note:${n}`, _type: 'note', n });
  }
  await db.put({
    _id: 'retention:note',
    _type: 'retention',
    type: 'note',
    documents: { newest: 2 },
  });
  await db.close();
});
afterAll(() => place[Symbol.dispose]());

/** Each starts several processes, one after the other. */
const TIMEOUT_MS = 120_000;

describe('keeping a store from the command line', { timeout: TIMEOUT_MS }, () => {
  it('reads a document as of a commit or a time', async () => {
    const [first] = linesOf<{ seq: number }>(await place.run(['history', 'prompt:p']));
    const then = await place.run(['get', 'prompt:p', '--as-of', String(first?.seq)]);
    expect(linesOf(then)).toMatchObject([{ template: '1' }]);
    const now = await place.run(['get', 'prompt:p', '--as-of', '2999-01-01']);
    expect(linesOf(now)).toMatchObject([{ template: '6' }]);
    expect(await place.run(['get', 'prompt:p', '--as-of', 'noon'])).toMatchObject({ code: 2 });
    expect((await place.run(['get', 'note:1', '--as-of', '1'])).err).toContain('NOT_RETAINED');
  });

  it('says what retention would take, and takes it', async () => {
    const dry = await place.run(['retain', '--dry-run']);
    expect(linesOf(dry)).toMatchObject([{ documents: 4 }]);
    expect((await place.run(['query', '{"_type":"note"}'])).out.split('\n').length).toBe(7);
    expect(linesOf(await place.run(['retain']))).toMatchObject([{ documents: 4 }]);
    expect((await place.run(['query', '{"_type":"note"}'])).out.split('\n').length).toBe(3);
  });

  it('makes a backup that is a store, and refuses a place that is taken', async () => {
    const target = place.path('backup');
    const { code, out } = await place.run(['backup', target]);
    expect([code, JSON.parse(out).bytes > 0]).toEqual([0, true]);
    expect((await place.run(['-s', target, 'check'])).code).toBe(0);
    expect((await place.run(['backup', target])).code).toBe(2);
  });

  it('compacts, and then finds the store sound', async () => {
    const { code, out } = await place.run(['compact']);
    expect(code).toBe(0);
    expect(JSON.parse(out).after).toBeLessThanOrEqual(JSON.parse(out).before);
    const check = await place.run(['check']);
    expect(check.code).toBe(0);
    expect(linesOf(check)).toMatchObject([{ ok: true, revisions: expect.any(Number) }]);
    expect((await place.run(['-s', place.path('nothing'), 'compact'])).code).toBe(3);
  });
});
