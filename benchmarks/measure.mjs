/** Repeats `work` for about `ms` milliseconds after a warm-up. Times are microseconds for one call. */
export async function repeat(work, { ms = 800, warmUpMs = 200 } = {}) {
  let call = 0;
  await forMs(warmUpMs, () => work(call++));
  const times = [];
  const tookMs = await forMs(ms, async () => {
    const startedAt = performance.now();
    await work(call++);
    times.push(performance.now() - startedAt);
  });
  return { medianUs: 1_000 * median(times), meanUs: (1_000 * tookMs) / times.length };
}

/** `callers` at once repeat `work` for about `ms` milliseconds. Gives calls a second. */
export async function repeatTogether(work, { callers, ms = 1_000, warmUpMs = 300 }) {
  let call = 0;
  let counted = 0;
  const all = (forHowLong, count) =>
    Promise.all(
      Array.from({ length: callers }, () =>
        forMs(forHowLong, async () => {
          await work(call++);
          counted += count;
        }),
      ),
    );
  await all(warmUpMs, 0);
  const startedAt = performance.now();
  await all(ms, 1);
  return (1_000 * counted) / (performance.now() - startedAt);
}

async function forMs(ms, work) {
  const startedAt = performance.now();
  while (performance.now() - startedAt < ms) await work();
  return performance.now() - startedAt;
}

export function median(numbers) {
  const sorted = numbers.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
