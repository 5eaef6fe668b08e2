import type { EngineSnapshot } from '../../storage/contract.js';
import type { TimeMarks } from '../time-marks.js';

/**
 * The newest commit that is known to be from `cutoff` or before, in milliseconds since the
 * epoch; 0 when none is. Exact where the change log reaches, else as the marks tell.
 */
export function newestBefore(engine: EngineSnapshot, marks: TimeMarks, cutoff: number): number {
  const start = engine.logStart();
  const first = timeOf(engine, start);
  if (first === undefined || first > cutoff) {
    return marks.findLast(([seq, at]) => seq < start && at <= cutoff)?.[0] ?? 0;
  }
  let below = start;
  let above = engine.seq + 1;
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if ((timeOf(engine, middle) ?? Number.POSITIVE_INFINITY) <= cutoff) below = middle;
    else above = middle;
  }
  return below;
}

function timeOf(engine: EngineSnapshot, seq: number): number | undefined {
  for (const commit of engine.log(seq - 1)) return commit.seq === seq ? commit.at : undefined;
  return undefined;
}
