/** The engines' compilers take a while to finish with either: microseconds of processor time. */
const WARM_UP_US = 1_500_000;

/** Measures pairs by turns: a trial is `{ name, against, ours, theirs, calls, each? }`. */
export async function compareAll(rounds, trials) {
  const results = [];
  for (const trial of trials) results.push(await compare(rounds, trial));
  return results;
}

async function compare(rounds, { name, against, ours, theirs, calls, each = 1 }) {
  const times = { ours: [], theirs: [] };
  const warmAt = process.cpuUsage();
  const isCold = () => sumOf(process.cpuUsage(warmAt)) < WARM_UP_US;
  while (isCold()) {
    await timeOf(ours, calls);
    await timeOf(theirs, calls);
  }
  for (let round = 0; round < rounds; round++) {
    times.ours.push((await timeOf(ours, calls)) / each);
    times.theirs.push((await timeOf(theirs, calls)) / each);
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
  return sumOf(process.cpuUsage(begun)) / calls;
}

function sumOf({ user, system }) {
  return user + system;
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
