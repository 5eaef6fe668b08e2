import { median } from '../measure.mjs';

const SLICES = 5;

/**
 * Milliseconds for work that waits for nothing: those of this process's processor time, all its
 * threads together, when `BENCH_CLOCK` is `cpu`; other programs on the machine then count less.
 */
export function clock() {
  if (process.env.BENCH_CLOCK !== 'cpu') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Calls a second: the median of several slices of time, after a warm-up. What answers at
 * once is not waited for, since waiting would cost more than some answers.
 */
export async function rateOf(
  work,
  { isSync = false, ms = 1_000, rounds, now = performance.now.bind(performance) } = {},
) {
  const repeat = isSync ? repeatSync : repeatAsync;
  if (rounds) return median(await slices(rounds, () => repeat(work, 0, now)));
  await repeat(work, ms / 4, now);
  return median(await slices(SLICES, () => repeat(work, ms / SLICES, now)));
}

/** `callers` at once, each going on as soon as it is answered. */
export async function rateTogether(work, callers, ms = 1_500) {
  const all = async (forMs) => {
    const startedAt = performance.now();
    let calls = 0;
    const caller = async () => {
      for (; performance.now() - startedAt < forMs; calls++) await work();
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return (1_000 * calls) / (performance.now() - startedAt);
  };
  await all(ms / 4);
  return all(ms);
}

async function slices(count, measure) {
  const rates = [];
  for (let n = 0; n < count; n++) rates.push(await measure());
  return rates;
}

/** The clock is read once for some calls, so that it does not count. */
function repeatSync(work, ms, now) {
  const startedAt = now();
  let calls = 0;
  let step = 1;
  do {
    for (let n = 0; n < step; n++) work();
    calls += step;
    step = nextStep(calls, now() - startedAt);
  } while (now() - startedAt < ms);
  return (1_000 * calls) / (now() - startedAt);
}

async function repeatAsync(work, ms, now) {
  const startedAt = now();
  let calls = 0;
  let step = 1;
  do {
    for (let n = 0; n < step; n++) await work();
    calls += step;
    step = nextStep(calls, now() - startedAt);
  } while (now() - startedAt < ms);
  return (1_000 * calls) / (now() - startedAt);
}

/** As many calls as take about a millisecond. */
function nextStep(calls, tookMs) {
  return Math.max(1, Math.min(1_000, Math.round(calls / Math.max(tookMs, 0.01))));
}
