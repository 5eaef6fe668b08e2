import { describe, isNil, refuse } from '../expressions/operator.js';
import { type TimeZone, timeZone, UTC } from './time-zone.js';

/** The milliseconds of a date; nothing else counts as one. */
export function instantOf(value: unknown, name: string): number {
  if (!(value instanceof Date)) refuse(name, 'a date', describe(value));
  const instant = value.getTime();
  if (Number.isNaN(instant)) refuse(name, 'a valid date', 'an invalid one');
  return instant;
}

/**
 * The zone that an operator was given: UTC when none was, null when nothing stands there.
 */
export function zoneOf(value: unknown, given: boolean, name: string): TimeZone | null {
  if (!given) return UTC;
  if (isNil(value)) return null;
  if (typeof value !== 'string') refuse(name, 'a time zone as text', describe(value));
  const zone = timeZone(value);
  if (!zone) refuse(name, 'a known time zone', JSON.stringify(value));
  return zone;
}

export const UNITS = [
  'year',
  'quarter',
  'month',
  'week',
  'day',
  'hour',
  'minute',
  'second',
  'millisecond',
] as const;
export type Unit = (typeof UNITS)[number];

export function unitOf(value: unknown, name: string): Unit {
  if (!UNITS.includes(value as Unit)) {
    refuse(name, `one of ${UNITS.join(', ')}`, typeof value === 'string' ? value : describe(value));
  }
  return value as Unit;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** 0 is Sunday. Names may be cut to three letters. */
export function weekdayOf(value: unknown, name: string): number {
  if (typeof value !== 'string') refuse(name, 'the name of a weekday', describe(value));
  const text = value.toLowerCase();
  const at = WEEKDAYS.findIndex((day) => day === text || day.slice(0, 3) === text);
  if (at < 0) refuse(name, 'the name of a weekday', JSON.stringify(value));
  return at;
}

/** A date from milliseconds, if the calendar reaches that far. */
export function dateFrom(instant: number, name: string): Date {
  if (!(Math.abs(instant) <= 8.64e15)) refuse(name, 'a date within range', String(instant));
  return new Date(instant);
}
