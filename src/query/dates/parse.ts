import { daysInMonth, fromIsoWeek } from './calendar.js';
import { MONTH_NAMES } from './format.js';
import { fromLocal, type TimeZone, timeZone, UTC, utc } from './time-zone.js';

/** What was read of a date, with the zone that its text names. */
interface Read {
  readonly local: number;
  readonly zone: TimeZone | undefined;
}

/**
 * The instant that a text names, in the zone that it says or else in `zone`.
 *
 * @returns undefined when the text is no date; 'twice' when zone is named in the text and given too
 */
export function parseDate(
  input: string,
  format: string | undefined,
  zone: TimeZone | undefined,
): number | 'twice' | undefined {
  const read = format === undefined ? readCommon(input) : readFormatted(input, format);
  if (!read || Number.isNaN(read.local)) return undefined;
  if (read.zone && zone) return 'twice';
  return fromLocal(read.local, read.zone ?? zone ?? UTC);
}

type Fields = Record<string, number>;

const NUMBER: Readonly<Record<string, readonly [pattern: string, field: string]>> = {
  d: ['\\d{1,2}', 'day'],
  G: ['\\d{4}', 'isoYear'],
  H: ['\\d{1,2}', 'hour'],
  j: ['\\d{1,3}', 'dayOfYear'],
  L: ['\\d{1,3}', 'millisecond'],
  m: ['\\d{1,2}', 'month'],
  M: ['\\d{1,2}', 'minute'],
  S: ['\\d{1,2}', 'second'],
  u: ['\\d', 'isoDay'],
  V: ['\\d{1,2}', 'isoWeek'],
  Y: ['\\d{4}', 'year'],
};
const NAMES = MONTH_NAMES.map((name) => name.toLowerCase());

/** The conversions that `parseDate` knows. */
export function isParsed(letter: string): boolean {
  return Object.hasOwn(NUMBER, letter) || ['b', 'B', 'z', 'Z', '%'].includes(letter);
}

function readFormatted(input: string, format: string): Read | undefined {
  const letters: string[] = [];
  const pattern = format.replace(/%([\s\S])|[\s\S]/g, (all, letter: string | undefined) => {
    if (letter === undefined || letter === '%') return literal(letter ?? all);
    letters.push(letter);
    return `(${patternOf(letter)})`;
  });
  const found = new RegExp(`^${pattern}$`, 'i').exec(input);
  if (!found) return undefined;
  const fields: Fields = {};
  let zone: TimeZone | undefined;
  for (const [at, letter] of letters.entries()) {
    const text = found[at + 1] as string;
    const number = NUMBER[letter];
    if (number) fields[number[1]] = Number(text);
    else if (letter === 'b' || letter === 'B') fields.month = monthOf(text);
    else
      zone =
        letter === 'Z' ? minutesZone(text) : timeZone(text.toUpperCase() === 'Z' ? 'UTC' : text);
  }
  return { local: localOf(fields), zone };
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function patternOf(letter: string): string {
  if (letter === 'b') return NAMES.map((name) => name.slice(0, 3)).join('|');
  if (letter === 'B') return NAMES.join('|');
  if (letter === 'z') return '[+-]\\d{2}:?(?:\\d{2})?|[A-Z][A-Za-z_/]*';
  if (letter === 'Z') return '[+-]?\\d{1,4}';
  return NUMBER[letter]?.[0] ?? '$^';
}

function monthOf(text: string): number {
  return NAMES.findIndex((name) => name.startsWith(text.slice(0, 3).toLowerCase())) + 1;
}

function minutesZone(text: string): TimeZone {
  return { isUtc: false, offsetAt: () => Number(text) * 60_000 };
}

const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  day: [1, 31],
  hour: [0, 24],
  dayOfYear: [1, 366],
  month: [1, 12],
  minute: [0, 59],
  second: [0, 60],
  isoDay: [1, 7],
  isoWeek: [1, 53],
};

/** NaN when the parts make no date. */
function localOf(fields: Fields): number {
  for (const [name, value] of Object.entries(fields)) {
    const [least, most] = LIMITS[name] ?? [0, 9999];
    if (value < least || value > most) return Number.NaN;
  }
  const { hour = 0, minute = 0, second = 0, millisecond = 0 } = fields;
  const clock = ((hour * 60 + minute) * 60 + second) * 1000 + millisecond;
  return dayOf(fields) + clock;
}

function dayOf({ year, month, day, dayOfYear, isoYear, isoWeek, isoDay }: Fields): number {
  const calendar = year !== undefined || month !== undefined || day !== undefined;
  if (isoYear !== undefined || isoWeek !== undefined || isoDay !== undefined) {
    return calendar || isoYear === undefined ? Number.NaN : fromIsoWeek(isoYear, isoWeek, isoDay);
  }
  if (year === undefined) return Number.NaN;
  // MongoDB counts the days of `%j` from 0 when it reads them, though it writes them from 1.
  if (dayOfYear !== undefined)
    return month === undefined ? utc(year, 1, dayOfYear + 1) : Number.NaN;
  if (month === undefined || day === undefined) return Number.NaN;
  return utc(year, month, day);
}

const TIME = '(?:[T\\s]+(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,9}))?)?)?';
const ZONE = '\\s*(Z|[+-]\\d{2}(?::?\\d{2})?|[A-Z][A-Za-z_]*(?:/[A-Za-z_/]+)?)?';
const MONTH = '([A-Za-z]{3,9})\\.?';

/** Ways to write a date, each with the order in which its groups name year, month and day. */
const COMMON: readonly (readonly [RegExp, readonly [number, number, number]])[] = [
  [new RegExp(`^(\\d{4})[-/](\\d{1,2})[-/](\\d{1,2})${TIME}${ZONE}$`), [1, 2, 3]],
  [new RegExp(`^(\\d{4})(\\d{2})(\\d{2})${TIME}${ZONE}$`), [1, 2, 3]],
  [new RegExp(`^(\\d{1,2})/(\\d{1,2})/(\\d{4})${TIME}${ZONE}$`), [3, 1, 2]],
  [new RegExp(`^(\\d{1,2})[-.](\\d{1,2})[-.](\\d{4})${TIME}${ZONE}$`), [3, 2, 1]],
  [new RegExp(`^${MONTH} (\\d{1,2})(?:st|nd|rd|th)?,? (\\d{4})${TIME}${ZONE}$`), [3, 1, 2]],
  [
    new RegExp(
      `^(?:[A-Za-z]{3,9},? )?(\\d{1,2})(?:st|nd|rd|th)?[ -]${MONTH}[ -](\\d{4})${TIME}${ZONE}$`,
    ),
    [3, 2, 1],
  ],
];

/** The usual ways to write a date, ISO 8601 above all. */
function readCommon(input: string): Read | undefined {
  for (const [pattern, [year, month, day]] of COMMON) {
    const found = pattern.exec(input.replace(/^[\s\0]+|[\s\0]+$/g, ''));
    if (!found) continue;
    const named = found[month] as string;
    const [hour, minute, second, fraction, zone] = found.slice(4);
    const fields: Fields = {
      year: Number(found[year]),
      month: /\d/.test(named) ? Number(named) : monthOf(named),
      day: Number(found[day]),
      hour: Number(hour ?? 0),
      minute: Number(minute ?? 0),
      second: Number(second ?? 0),
      millisecond: Math.floor(Number(`0.${fraction ?? 0}`) * 1000),
    };
    const { year: y, month: m, day: d } = fields as Record<'year' | 'month' | 'day', number>;
    if (d > daysInMonth(y, m)) return undefined;
    const local = localOf(fields);
    const known = zone === undefined ? undefined : timeZone(zone);
    return zone !== undefined && !known ? undefined : { local, zone: known };
  }
  return undefined;
}
