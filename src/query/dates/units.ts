import type { Unit } from './arguments.js';
import { calendarParts, daysInMonth } from './calendar.js';
import { fromLocal, type TimeZone, toLocal, utc } from './time-zone.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Lengths of the units that the clock counts, whatever the calendar does. */
const CLOCK: Readonly<Partial<Record<Unit, number>>> = {
  hour: HOUR,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
};
/** Units that the calendar counts, in months. */
const MONTHS: Readonly<Partial<Record<Unit, number>>> = { year: 12, quarter: 3, month: 1 };
const DAYS: Readonly<Partial<Record<Unit, number>>> = { week: 7, day: 1 };

/**
 * An instant moved by whole units. Days and more keep the wall clock of the zone; a
 * day that the target month does not have becomes its last.
 */
export function addUnits(instant: number, unit: Unit, amount: number, zone: TimeZone): number {
  const clock = CLOCK[unit];
  if (clock !== undefined) return instant + amount * clock;
  const local = toLocal(instant, zone);
  const days = DAYS[unit];
  const moved =
    days === undefined
      ? addMonths(local, amount * (MONTHS[unit] as number))
      : local + amount * days * DAY;
  return Number.isFinite(moved) ? fromLocal(moved, zone) : Number.NaN;
}

function addMonths(local: number, months: number): number {
  const { year, month, day } = calendarParts(local);
  const at = year * 12 + month - 1 + months;
  if (Math.abs(at) > 12 * 280_000) return Number.NaN;
  const [toYear, toMonth] = [Math.floor(at / 12), (((at % 12) + 12) % 12) + 1];
  const clock = ((local % DAY) + DAY) % DAY;
  return utc(toYear, toMonth, Math.min(day, daysInMonth(toYear, toMonth))) + clock;
}

/** How many beginnings of a unit lie between two instants, in a zone. */
export function unitsBetween(
  start: number,
  end: number,
  unit: Unit,
  zone: TimeZone,
  weekStart: number,
): number {
  const clock = CLOCK[unit];
  if (clock !== undefined) return clockUnits(end, clock, zone) - clockUnits(start, clock, zone);
  const count = (instant: number) => calendarUnits(toLocal(instant, zone), unit, weekStart);
  return count(end) - count(start);
}

/** Units since the epoch. Zones that are off by part of an hour have their own hours. */
function clockUnits(instant: number, length: number, zone: TimeZone): number {
  const part = zone.offsetAt(instant) % length;
  return Math.floor((instant + part) / length);
}

function calendarUnits(local: number, unit: Unit, weekStart: number): number {
  const day = Math.floor(local / DAY);
  if (unit === 'day') return day;
  // Day 0 of the epoch was a Thursday.
  if (unit === 'week') return Math.floor((day + 4 - weekStart) / 7);
  const date = new Date(local);
  const months = date.getUTCFullYear() * 12 + date.getUTCMonth();
  return Math.floor(months / (MONTHS[unit] as number));
}

/** The beginning of the bin of `size` units, counted from 2000-01-01 in the zone. */
export function truncate(
  instant: number,
  unit: Unit,
  size: number,
  zone: TimeZone,
  weekStart: number,
): number {
  const clock = CLOCK[unit];
  if (clock !== undefined) {
    const start = fromLocal(utc(2000), zone);
    const shift = zone.offsetAt(instant) - zone.offsetAt(start);
    return start - shift + floorTo(instant - start + shift, clock * size);
  }
  const local = toLocal(instant, zone);
  const days = DAYS[unit];
  if (days !== undefined) {
    const start = unit === 'day' ? utc(2000) : firstWeekday(weekStart);
    return fromLocal(start + floorTo(local - start, days * size * DAY), zone);
  }
  const { year, month } = calendarParts(local);
  const months = floorTo((year - 2000) * 12 + month - 1, (MONTHS[unit] as number) * size);
  return fromLocal(utc(2000, months + 1), zone);
}

function floorTo(value: number, size: number): number {
  return Math.floor(value / size) * size;
}

/** The first such weekday of 2000, which began on a Saturday. */
function firstWeekday(weekday: number): number {
  return utc(2000, 1, 1 + ((weekday + 1) % 7));
}
