const WARM_UP_ROUNDS = 15;

/** Measures pairs by turns: a trial is `{ name, against, ours, theirs, calls, each? }`. */
export async function compareAll(rounds, trials) {
  const results = [];
  for (const trial of trials) results.push(await compare(rounds, trial));
  return results;
}

async function compare(rounds, { name, against, ours, theirs, calls, each = 1 }) {
  const times = { ours: [], theirs: [] };
  // The engines' compilers take a while to finish with either.
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const [first, second] = [await timeOf(ours, calls), await timeOf(theirs, calls)];
    if (round < 0) continue;
    times.ours.push(first / each);
    times.theirs.push(second / each);
  }
  const [oursUs, theirsUs] = [median(times.ours), median(times.theirs)];
  return { name, against, oursUs, theirsUs, ratio: theirsUs / oursUs };
}

/**
 * Microseconds of one call, out of several in a row: of this process's work, since
 * on a shared machine the clock on the wall measures the neighbours.
 */
async function timeOf(run, calls) {
  const begun = process.cpuUsage();
  for (let call = 0; call < calls; call++) await run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / calls;
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
