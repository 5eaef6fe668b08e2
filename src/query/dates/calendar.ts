import { utc } from './time-zone.js';

const DAY = 86_400_000;

/** What a calendar says of a wall clock, given as if it were UTC. */
export interface CalendarParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** 1 is January 1. */
  readonly dayOfYear: number;
  /** 1 is Sunday. */
  readonly dayOfWeek: number;
  /** 1 is Monday. */
  readonly isoDayOfWeek: number;
  /** Weeks begin on Sundays; days before the first one are in week 0. */
  readonly week: number;
  readonly isoWeek: number;
  readonly isoWeekYear: number;
}

export function calendarParts(local: number): CalendarParts {
  const date = new Date(local);
  const year = date.getUTCFullYear();
  const dayOfYear = Math.floor((local - utc(year)) / DAY) + 1;
  const sunday = date.getUTCDay();
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
    dayOfYear,
    dayOfWeek: sunday + 1,
    isoDayOfWeek: sunday || 7,
    week: Math.floor((dayOfYear + 6 - sunday) / 7),
    ...isoWeek(local, sunday || 7),
  };
}

/** A week belongs to the year of its Thursday. https://en.wikipedia.org/wiki/ISO_week_date */
function isoWeek(local: number, weekday: number): { isoWeek: number; isoWeekYear: number } {
  const thursday = local + (4 - weekday) * DAY;
  const isoWeekYear = new Date(thursday).getUTCFullYear();
  return { isoWeek: Math.floor((thursday - utc(isoWeekYear)) / DAY / 7) + 1, isoWeekYear };
}

/** Midnight of a day given by its ISO week, as if it were UTC; parts carry over. */
export function fromIsoWeek(year: number, week = 1, weekday = 1): number {
  const january4 = utc(year, 1, 4);
  const monday = january4 - ((new Date(january4).getUTCDay() || 7) - 1) * DAY;
  return monday + ((week - 1) * 7 + weekday - 1) * DAY;
}

export function daysInMonth(year: number, month: number): number {
  return new Date(utc(year, month + 1, 0)).getUTCDate();
}
