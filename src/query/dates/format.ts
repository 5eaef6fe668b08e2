import { calendarParts } from './calendar.js';
import { type TimeZone, toLocal } from './time-zone.js';

export const MONTH_NAMES = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

type Part = (parts: ReturnType<typeof calendarParts>, offset: number) => string;

const padded = (value: number, width: number) => String(value).padStart(width, '0');

/** https://www.mongodb.com/docs/manual/reference/aggregation/#std-label-agg-format-specifiers */
const PARTS: Readonly<Record<string, Part>> = {
  '%': () => '%',
  b: ({ month }) => (MONTH_NAMES[month - 1] as string).slice(0, 3),
  B: ({ month }) => MONTH_NAMES[month - 1] as string,
  d: ({ day }) => padded(day, 2),
  G: ({ isoWeekYear }) => padded(isoWeekYear, 4),
  H: ({ hour }) => padded(hour, 2),
  j: ({ dayOfYear }) => padded(dayOfYear, 3),
  L: ({ millisecond }) => padded(millisecond, 3),
  m: ({ month }) => padded(month, 2),
  M: ({ minute }) => padded(minute, 2),
  S: ({ second }) => padded(second, 2),
  u: ({ isoDayOfWeek }) => String(isoDayOfWeek),
  U: ({ week }) => padded(week, 2),
  V: ({ isoWeek }) => padded(isoWeek, 2),
  w: ({ dayOfWeek }) => String(dayOfWeek),
  Y: ({ year }) => padded(year, 4),
  z: (_parts, offset) => clockOffset(offset),
  Z: (_parts, offset) => `${offset < 0 ? '-' : '+'}${padded(Math.abs(offset) / 60_000, 3)}`,
};

function clockOffset(offset: number): string {
  const minutes = Math.abs(offset) / 60_000;
  return `${offset < 0 ? '-' : '+'}${padded(Math.floor(minutes / 60), 2)}${padded(minutes % 60, 2)}`;
}

/** The first conversion of a format that is none; undefined when all are. */
export function unknownConversion(format: string): string | undefined {
  return [...format.matchAll(/%([\s\S]?)/g)]
    .map((found) => found[1] as string)
    .find((letter) => !Object.hasOwn(PARTS, letter));
}

export function formatDate(instant: number, format: string, zone: TimeZone): string {
  const parts = calendarParts(toLocal(instant, zone));
  const offset = zone.offsetAt(instant);
  return format.replace(/%([\s\S])/g, (_all, letter: string) => {
    return (PARTS[letter] as Part)(parts, offset);
  });
}
