import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { type NativeLocks, nativeLocks } from '#jdbx/storage/sharing/native-locks.js';
import { PLACES } from '#jdbx/storage/sharing/page.js';
import { Sharing } from '#jdbx/storage/sharing/sharing.js';
import { failure, temporaryFolder } from './temporary.js';

const locks = nativeLocks as NativeLocks;

describe.skipIf(!nativeLocks)('the shared page', () => {
  let directory: string;
  let joined: Sharing[];

  const join = async (waitMaxMs?: number) => {
    const sharing = await Sharing.join(directory, 'follower', locks, waitMaxMs);
    joined.push(sharing);
    return sharing;
  };
  beforeEach(() => {
    directory = temporaryFolder();
    joined = [];
  });
  afterEach(() => {
    for (const sharing of joined) sharing.close();
  });

  it('gives the write lock to one at a time, and says so when that lasts too long', async () => {
    const [one, two] = [await join(), await join(40)];
    await one.lockWrite();
    expect(await failure(two.lockWrite() as Promise<void>)).toMatchObject({ code: 'STORE_BUSY' });
    one.unlockWrite();
    await two.lockWrite();
    const waiting = one.lockWrite() as Promise<void>;
    two.unlockWrite();
    await waiting;
    one.unlockWrite();
  });

  it('lets two who want the lock all the time take turns', async () => {
    const both = [await join(), await join()] as const;
    const turns = [0, 0];
    const work = async (who: 0 | 1) => {
      // However slow the thread is that waits for the lock, nobody ends before both had their share.
      while (Math.min(...turns) < 20) {
        await both[who].lockWrite();
        both[who].signWrite();
        turns[who] = (turns[who] ?? 0) + 1;
        // Held over a turn of the event loop, as by a flush.
        await new Promise((resolve) => setImmediate(resolve));
        both[who].unlockWrite();
      }
    };
    await Promise.all([work(0), work(1)]);
    expect(Math.min(...turns)).toBeGreaterThanOrEqual(20);
  });

  it('does not wait for one that died waiting', async () => {
    const one = await join();
    await one.lockWrite();
    one.signWrite();
    one.unlockWrite();
    one.page.setWaitingAt(5, true);
    one.page.enter(9, 0, 'follower');
    // Its mark still stands; the first to be polite to it wipes it.
    const polite = one.lockWrite();
    expect(polite).toBeInstanceOf(Promise);
    await polite;
    one.unlockWrite();
    expect(one.lockWrite()).toBeUndefined();
    one.unlockWrite();
  });

  it('has a bounded number of places, and gives them again', async () => {
    for (let n = 0; n < PLACES; n++) await join();
    expect(await failure(join())).toMatchObject({ code: 'STORE_IN_USE' });
    joined.pop()?.close();
    const again = await join();
    expect(again.pids()).toHaveLength(PLACES);
  });

  it('gives the chores to one at a time, and to another when that one is gone', async () => {
    const [one, two] = [await join(), await join()];
    expect([one.doesChores, two.doesChores, one.doesChores]).toEqual([true, false, true]);
    joined.splice(joined.indexOf(one), 1);
    one.close();
    expect(two.doesChores).toBe(true);
  });

  it('knows the oldest commit that somebody has seen last', async () => {
    const [one, two, three] = [await join(), await join(), await join()];
    one.saw(10);
    two.saw(7);
    three.saw(Number.POSITIVE_INFINITY);
    expect(one.oldestSeen()).toBe(7);
    joined.splice(joined.indexOf(two), 1);
    two.close();
    expect(one.oldestSeen()).toBe(10);
  });

  it('lets nobody write after a failed flush, until all have closed', async () => {
    const db = await open(directory);
    await db.put({ _id: 'a', _type: 'a' });
    const other = await join();
    other.page.break();
    expect(await failure(db.put({ _id: 'b', _type: 'b' }))).toMatchObject({ code: 'STORE_IO' });
    expect(await db.get('a')).toBeDefined();
    await db.close();
    joined.pop()?.close();
    const again = await open(directory);
    await again.put({ _id: 'b', _type: 'b' });
    expect(await again.get('a')).toBeDefined();
    await again.close();
  });
});
