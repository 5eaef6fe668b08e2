import { describe, expect, it } from 'vitest';
import { type Jdbx, open } from '#jdbx/index.js';
import { Child } from './processes.js';
import { temporaryStore } from './temporary.js';

const ROUNDS = 10;

describe('a store whose process was killed', () => {
  it('holds each acknowledged commit whole, and none by half', async () => {
    const path = temporaryStore();
    /** Removals that the process may have been about to make when it was killed. */
    const uncertain: number[] = [];
    let counter = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const child = new Child(['commitForever', path, String(counter + 1)]);
      await child.told(3 + ((round * 7) % 40));
      const acknowledged = Number((await child.kill()).at(-1));
      await using db = await open(path);
      expect(await db.check()).toMatchObject({ ok: true, problems: [] });
      counter = (await db.get<{ n: number }>('counter'))?.n ?? 0;
      // One commit may have become durable whose word was not out yet.
      expect([acknowledged, acknowledged + 1]).toContain(counter);
      if (counter % 3 === 0) uncertain.push(counter - 1);
      await checkWhole(db, counter, uncertain);
    }
  });
});

/** Each commit wrote a left and a right document; after each third one the left one before it went. */
async function checkWhole(db: Jdbx, counter: number, unknown: readonly number[]): Promise<void> {
  const numbers = async (type: string) => {
    const found = await db.query<{ n: number }>({ _type: type }).sort({ n: 1 });
    return found.map(({ n }) => n).filter((n) => !unknown.includes(n));
  };
  const all = Array.from({ length: counter }, (_, at) => at + 1).filter(
    (n) => !unknown.includes(n),
  );
  expect(await numbers('right')).toEqual(all);
  const wasRemoved = (n: number) => n % 3 === 2 && n < counter;
  expect(await numbers('left')).toEqual(all.filter((n) => !wasRemoved(n)));
}
