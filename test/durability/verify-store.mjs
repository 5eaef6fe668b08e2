import { unitOf } from './store-units.mjs';

/**
 * What is wrong with an open store, by the log of a worker: acknowledged units must be there
 * whole; units that were begun may be there, whole or not at all; nothing else may be there.
 *
 * @param lines of the log
 * @param seqMax units acknowledged later than this may be missing (a backup's commit)
 */
export async function verifyStore(db, seed, lines, mayMiss = () => false) {
  const begun = numbers(lines, '?');
  const acknowledged = new Set(numbers(lines, '!'));
  const problems = [];
  const found = new Map();
  const stored = await db.query({ _type: 'work' });
  for (const each of stored) found.set(each.n, [...(found.get(each.n) ?? []), each]);
  for (const n of begun) {
    const { documents } = unitOf(seed, n);
    const there = found.get(n) ?? [];
    found.delete(n);
    const isWhole = documents.every(({ _id, text }) =>
      there.some((each) => each._id === _id && each.text === text),
    );
    const isAbsent = there.length === 0;
    if (!isWhole && !isAbsent) problems.push(`unit ${n}: ${there.length} of ${documents.length}`);
    if (!isWhole && acknowledged.has(n) && !mayMiss(n)) problems.push(`unit ${n} is lost`);
  }
  for (const n of found.keys()) problems.push(`unit ${n} was never begun`);
  problems.push(...(await accounts(db)), ...(await expiring(db)));
  const { problems: faults } = await db.check();
  return [...problems, ...faults];
}

/** Money is moved, never made. */
async function accounts(db) {
  const all = await db.query({ _type: 'account' });
  const sum = all.reduce((total, { left }) => total + left, 0);
  return sum === 0 ? [] : [`accounts add up to ${sum}`];
}

/** Retention runs over whole documents only, and never takes the newest of a group. */
async function expiring(db) {
  const all = await db.query({ _type: 'expiring' });
  return all.flatMap(({ _id, n }) =>
    _id.slice(1) === String(n) ? [] : [`${_id} is of unit ${n}`],
  );
}

function numbers(lines, mark) {
  return lines.flatMap((line) =>
    line.startsWith(mark) ? [Number.parseInt(line.slice(1), 10)] : [],
  );
}
