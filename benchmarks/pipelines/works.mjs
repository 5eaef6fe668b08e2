/**
 * What every subject does, and then closes. A subject's `run` gives the times at which its stages
 * began, or ended: the same for all stages of a subject.
 */

/** About 2 KB that no two stages share. */
export function newHistory(at) {
  let state = at * 2_654_435_761 + 1;
  let text = `${at}:`;
  while (text.length < 2_048) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, 2_048);
}

/** Milliseconds from each stage's start to the next one's. */
export function gaps(starts) {
  return starts.slice(1).map((start, at) => start - starts[at]);
}

export function medianOf(numbers) {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1];
}

/**
 * One run of `stages` that do nothing: the median time from a stage to the next, in ms, of a process
 * that has just begun, and of one that has run `warm` stages.
 */
export async function sequential(subject, { stages = 60, warm = 500 } = {}) {
  await subject.run({ stages: 10, history: false });
  const fresh = gaps(await subject.run({ stages, history: false }));
  for (let at = 0; at < warm; at += 10) await subject.run({ stages: 10, history: false });
  const times = gaps(await subject.run({ stages, history: false }));
  await subject.close();
  return { stageMs: medianOf(times), freshMs: medianOf(fresh) };
}

/** Runs of four stages that do nothing, `callers` at once. */
export async function together(subject, { callers = 128, rounds = 3 } = {}) {
  const stages = 4;
  const one = () =>
    Promise.all(Array.from({ length: callers }, () => subject.run({ stages, history: false })));
  await one();
  const startedAt = performance.now();
  for (let round = 0; round < rounds; round++) await one();
  const seconds = (performance.now() - startedAt) / 1_000;
  await subject.close();
  return { stagesPerSecond: (callers * rounds * stages) / seconds };
}

/**
 * One run whose history grows by 2 KB a stage: what it leaves on the disk when its store is
 * closed, and its late stages' time.
 */
export async function history(subject, { stages = 1_000 } = {}) {
  const before = await subject.diskBytes();
  const times = gaps(await subject.run({ stages, history: true }));
  await subject.close();
  const diskBytes = (await subject.diskBytes()) - before;
  const [early, late] = [medianOf(times.slice(4, 15)), medianOf(times.slice(-11))];
  return { diskBytes, earlyMs: early, lateMs: late, lateOverEarly: late / early };
}
