/**
 * Commits with their times, oldest first, so that the age of a document is known also when
 * the change log no longer reaches back to its commit. Stored under the name `marks`.
 */
export type TimeMarks = readonly (readonly [seq: number, at: number])[];

export const NO_MARKS: TimeMarks = [];

/** A mark a minute at most, in milliseconds. */
const APART_MS = 60_000;
const MARKS_MAX = 512;

interface Timed {
  readonly seq: number;
  readonly at: number;
}

/**
 * The marks with a commit among them, and the one before it, which may have been long ago;
 * or the same marks when it comes too soon after the last.
 */
export function addMark(marks: TimeMarks, before: Timed, { seq, at }: Timed): TimeMarks {
  const last = marks.at(-1);
  if (last && at - last[1] < APART_MS) return marks;
  const kept = marks.length < MARKS_MAX ? marks : thin(marks);
  const isNew = before.seq > (last?.[0] ?? 0);
  return [...kept, ...(isNew ? [[before.seq, before.at] as const] : []), [seq, at]];
}

/** Every other mark of the older half goes: what is old need not be known to the minute. */
function thin(marks: TimeMarks): TimeMarks {
  return marks.filter((_, at) => at >= marks.length / 2 || at % 2 === 1);
}
