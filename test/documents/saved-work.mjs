/** Work for a store whose indexes are saved: the same for a seed, in this process or another. */

const IDS = 3_000;

export const INDEXES = [
  { _id: 'index:call.session', key: { session: 1 } },
  { _id: 'index:call.rate', key: { domain: 1, rate: -1 } },
  { _id: 'index:call.tags', key: { tags: 1 } },
  { _id: 'index:call.good', key: { rate: 1 }, partial: { rate: { $gt: 50 } } },
].map((index) => ({ _type: 'index', type: 'call', ...index }));

/** Numbers from 0 to below 1: the upper bits of a linear congruential generator. */
export function randomOf(seed) {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

export function randomCall(random) {
  const below = (max) => Math.floor(random() * max);
  return {
    _id: `call:${below(IDS)}`,
    _type: random() < 0.95 ? 'call' : 'other',
    session: `session-${below(200)}`,
    domain: `domain-${below(10)}`,
    rate: below(100),
    ...(random() < 0.9 ? { tags: [below(50), below(50), below(50)] } : {}),
  };
}

/** Puts and removals of some hundred documents; now and then an index comes or goes. */
export async function randomCommit(db, random) {
  if (random() < 0.04) await toggle(db, INDEXES[Math.floor(random() * INDEXES.length)]);
  const puts = new Map();
  for (let n = Math.floor(random() * 120); n >= 0; n--) {
    const call = randomCall(random);
    puts.set(call._id, call);
  }
  await db.transaction(async (tx) => {
    for (const call of puts.values()) {
      if (call.rate < 25) await tx.remove(call._id);
      else await tx.put(call);
    }
  });
}

async function toggle(db, index) {
  if (await db.get(index._id)) await db.remove(index._id);
  else await db.insert(index);
}
