import { LRUCache } from 'lru-cache';

/** A time zone: its distance from UTC at an instant, in milliseconds, positive in the east. */
export interface TimeZone {
  readonly isUtc: boolean;
  offsetAt(instant: number): number;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
export const UTC: TimeZone = { isUtc: true, offsetAt: () => 0 };
const known = new LRUCache<string, TimeZone>({ max: 200 });

/**
 * A zone by its name in the IANA database, in its own spelling, or by its distance:
 * `+05`, `+0530`, `+05:30`.
 *
 * @returns undefined when there is none of that name
 */
export function timeZone(name: string): TimeZone | undefined {
  if (name === 'UTC' || name === 'GMT' || name === 'Z') return UTC;
  const offset = /^([+-])(\d\d?)(?::?(\d\d))?$/.exec(name);
  if (offset) return fixed(offset[1] === '-' ? -1 : 1, Number(offset[2]), Number(offset[3] ?? 0));
  let zone = known.get(name);
  if (!zone) {
    zone = namedZone(name);
    if (zone) known.set(name, zone);
  }
  return zone;
}

function fixed(sign: 1 | -1, hours: number, minutes: number): TimeZone {
  const offset = sign * (hours * 60 + minutes) * MINUTE;
  return { isUtc: offset === 0, offsetAt: () => offset };
}

function namedZone(name: string): TimeZone | undefined {
  if (!/^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)*$/.test(name)) return undefined;
  if (/^[A-Z_]{4,}\/[A-Z_/]{4,}$/.test(name)) return undefined;
  try {
    const format = new Intl.DateTimeFormat('en-US', { ...FIELDS, timeZone: name });
    return { isUtc: false, offsetAt: (instant) => localTime(format, instant) - instant };
  } catch {
    return undefined;
  }
}

const FIELDS = {
  calendar: 'gregory',
  numberingSystem: 'latn',
  hourCycle: 'h23',
  era: 'short',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const;

function localTime(format: Intl.DateTimeFormat, instant: number): number {
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
  const year = parts.get('era') === 'BC' ? 1 - number('year') : number('year');
  const time = [number('hour'), number('minute'), number('second')] as const;
  const millis = ((instant % 1000) + 1000) % 1000;
  return utc(year, number('month'), number('day'), ...time, millis);
}

/**
 * Milliseconds of a date and time of day in UTC. Parts past their range carry over;
 * the year is as it says, below 100 too.
 */
export function utc(
  year: number,
  month = 1,
  day = 1,
  hour = 0,
  minute = 0,
  second = 0,
  millisecond = 0,
): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + millisecond;
}

/** The wall clock of an instant, as if it were UTC. */
export function toLocal(instant: number, zone: TimeZone): number {
  return instant + zone.offsetAt(instant);
}

/**
 * The instant of a wall clock. Of two, the earlier one; a time that a change of the
 * clock leaves out counts on from before the change.
 */
export function fromLocal(local: number, zone: TimeZone): number {
  const before = zone.offsetAt(local - DAY);
  const after = zone.offsetAt(local + DAY);
  if (before === after || zone.offsetAt(local - before) === before) return local - before;
  return zone.offsetAt(local - after) === after ? local - after : local - before;
}
