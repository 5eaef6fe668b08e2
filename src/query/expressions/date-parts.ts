import { isPlainObject } from '../../base/values.js';
import { dateFrom, instantOf, zoneOf } from '../dates/arguments.js';
import { type CalendarParts, calendarParts, fromIsoWeek } from '../dates/calendar.js';
import { fromLocal, toLocal, UTC, utc } from '../dates/time-zone.js';
import {
  describe,
  isNil,
  listed,
  type Named,
  named,
  type Operator,
  type Operators,
  refuse,
} from './operator.js';

const CLOCK = ['hour', 'minute', 'second', 'millisecond'];
/** Seconds and milliseconds may carry over by more than 16 bits. */
const LONG = ['second', 'millisecond'];
const PARTS = [
  'year',
  'month',
  'day',
  'isoWeekYear',
  'isoWeek',
  'isoDayOfWeek',
  ...CLOCK,
  'timezone',
];

/**
 * Parts of dates, in any time zone.
 * https://www.mongodb.com/docs/manual/reference/operator/aggregation/#date-expression-operators
 */
export const DATE_PART_OPERATORS: Operators = {
  $year: part('$year', 'year'),
  $month: part('$month', 'month'),
  $dayOfMonth: part('$dayOfMonth', 'day'),
  $dayOfYear: part('$dayOfYear', 'dayOfYear'),
  $dayOfWeek: part('$dayOfWeek', 'dayOfWeek'),
  $week: part('$week', 'week'),
  $isoDayOfWeek: part('$isoDayOfWeek', 'isoDayOfWeek'),
  $isoWeek: part('$isoWeek', 'isoWeek'),
  $isoWeekYear: part('$isoWeekYear', 'isoWeekYear'),
  $hour: part('$hour', 'hour'),
  $minute: part('$minute', 'minute'),
  $second: part('$second', 'second'),
  $millisecond: part('$millisecond', 'millisecond'),
  $dateToParts: named('$dateToParts', ['date!', 'timezone', 'iso8601'], toParts),
  $dateFromParts: named('$dateFromParts', PARTS, fromParts),
};

/** A date alone, or `{ date, timezone }`. */
function part(name: string, key: keyof CalendarParts): Operator {
  const read = (date: unknown, timezone: unknown, given: boolean) => {
    const zone = zoneOf(timezone, given, name);
    if (isNil(date) || zone === null) return null;
    return calendarParts(toLocal(instantOf(date, name), zone))[key];
  };
  const alone = listed(name, 1, ([date]) => read(date, undefined, false));
  const zoned = named(name, ['date!', 'timezone'], ({ date, timezone }, given) =>
    read(date, timezone, given('timezone')),
  );
  const kind = (operand: unknown) =>
    isPlainObject(operand) && !Object.keys(operand)[0]?.startsWith('$') ? zoned : alone;
  return {
    check: (operand) => kind(operand).check(operand),
    run: (operand, scope) => kind(operand).run(operand, scope),
  };
}

function toParts({ date, timezone, iso8601 }: Named, given: (name: string) => boolean): unknown {
  const name = '$dateToParts';
  const zone = zoneOf(timezone, given('timezone'), name);
  if (given('iso8601') && !isNil(iso8601) && typeof iso8601 !== 'boolean')
    refuse(name, 'true or false', describe(iso8601));
  if (isNil(date) || zone === null || (given('iso8601') && isNil(iso8601))) return null;
  const { hour, minute, second, millisecond, ...day } = calendarParts(
    toLocal(instantOf(date, name), zone),
  );
  const { year, month, isoWeekYear, isoWeek, isoDayOfWeek } = day;
  const clock = { hour, minute, second, millisecond };
  return iso8601
    ? { isoWeekYear, isoWeek, isoDayOfWeek, ...clock }
    : { year, month, day: day.day, ...clock };
}

function fromParts(args: Named, given: (name: string) => boolean): unknown {
  const name = '$dateFromParts';
  const iso = given('isoWeekYear') || given('isoWeek') || given('isoDayOfWeek');
  if (iso ? !given('isoWeekYear') : !given('year'))
    refuse(name, 'a year or an isoWeekYear', 'none');
  for (const key of iso ? ['year', 'month', 'day'] : []) {
    if (given(key)) refuse(name, 'parts of one calendar', `${key} beside ISO weeks`);
  }
  const zone = zoneOf(args.timezone, given('timezone'), name);
  const parts = new Map<string, number | null>();
  for (const key of Object.keys(args)) {
    if (key !== 'timezone') parts.set(key, partOf(key, args[key], name));
  }
  if (zone === null || [...parts.values()].includes(null)) return null;
  const at = (key: string, otherwise = 0) => parts.get(key) ?? otherwise;
  const day = iso
    ? fromIsoWeek(at('isoWeekYear'), at('isoWeek', 1), at('isoDayOfWeek', 1))
    : utc(at('year'), at('month', 1), at('day', 1));
  const clock = ((at('hour') * 60 + at('minute')) * 60 + at('second')) * 1000 + at('millisecond');
  return dateFrom(fromLocal(day + clock, zone ?? UTC), name);
}

function partOf(key: string, value: unknown, name: string): number | null {
  if (isNil(value)) return null;
  if (!Number.isInteger(value)) refuse(name, `a whole number as ${key}`, describe(value));
  const number = value as number;
  const year = key === 'year' || key === 'isoWeekYear';
  const [least, most] = year ? [1, 9999] : [-32768, 32767];
  if (!LONG.includes(key) && (number < least || number > most)) {
    refuse(name, `${key} from ${least} to ${most}`, String(number));
  }
  return number;
}
