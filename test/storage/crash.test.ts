import { describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { Child } from './processes.js';
import { temporaryStore } from './temporary.js';

const ROUNDS = 10;

describe('a store whose process was killed', () => {
  it('holds each acknowledged commit whole, and none by half', async () => {
    const path = temporaryStore();
    let acknowledged = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const child = new Child(['commitForever', path, String(acknowledged + 1)]);
      await child.told(3 + ((round * 7) % 40));
      acknowledged = Number((await child.kill()).at(-1));
      await using db = await open(path);
      const counter = await checkWhole(db, acknowledged);
      expect(counter).toBeGreaterThanOrEqual(acknowledged);
      // One commit may have become durable whose word was not out yet.
      expect(counter).toBeLessThanOrEqual(acknowledged + 1);
      acknowledged = counter;
    }
  });
});

/** @returns the newest commit that is there */
async function checkWhole(db: Jdbx, acknowledged: number): Promise<number> {
  expect(await db.check()).toMatchObject({ ok: true, problems: [] });
  const counter = (await db.get<{ n: number }>('counter'))?.n ?? 0;
  const numbers = async (type: string) => {
    const found = await db.query<{ n: number }>({ _type: type }).sort({ n: 1 });
    return found.map(({ n }) => n);
  };
  const all = Array.from({ length: counter }, (_, at) => at + 1);
  expect(await numbers('right')).toEqual(all);
  // After each third commit the left one before it is removed; the last removal may be missing.
  const removed = (n: number) => n % 3 === 2 && n < acknowledged;
  const lefts = await numbers('left');
  const isOpen = (n: number) => n % 3 === 2 && n >= acknowledged;
  expect(lefts.filter((n) => !isOpen(n))).toEqual(all.filter((n) => !removed(n) && !isOpen(n)));
  return counter;
}
