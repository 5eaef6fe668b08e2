import { dateFrom, instantOf, zoneOf } from '../dates/arguments.js';
import { calendarParts } from '../dates/calendar.js';
import { formatDate, unknownConversion } from '../dates/format.js';
import { isParsed, parseDate } from '../dates/parse.js';
import { toLocal } from '../dates/time-zone.js';
import {
  describe,
  isNil,
  lazy,
  type Named,
  namesChecker,
  type Operators,
  refuse,
} from './operator.js';

const ISO = '%Y-%m-%dT%H:%M:%S.%L';

const toStringCheck = namesChecker('$dateToString', ['date!', 'format', 'timezone', 'onNull']);
const fromStringCheck = namesChecker('$dateFromString', [
  'dateString!',
  'format',
  'timezone',
  'onError',
  'onNull',
]);

/**
 * Dates to text and back.
 * https://www.mongodb.com/docs/manual/reference/operator/aggregation/dateToString/
 */
export const DATE_TEXT_OPERATORS: Operators = {
  $dateToString: lazy(toStringCheck, (operand, scope) => {
    const args = operand as Named;
    const text = toText(
      args,
      (name) => Object.hasOwn(args, name),
      (name) => scope.value(args[name]),
    );
    return text === null && Object.hasOwn(args, 'onNull') ? scope.value(args.onNull) : text;
  }),
  $dateFromString: lazy(fromStringCheck, (operand, scope) => {
    const args = operand as Named;
    const value = (name: string) => scope.value(args[name]);
    const given = (name: string) => Object.hasOwn(args, name);
    const input = value('dateString');
    if (isNil(input) && given('onNull')) return value('onNull');
    try {
      return fromText(input, given, value);
    } catch (error) {
      if (!(error instanceof UnreadableDate)) throw error;
      if (!given('onError')) throw error.cause;
      return value('onError');
    }
  }),
};

/** Text that is no date, which `onError` may answer; the cause is what it is without. */
class UnreadableDate extends Error {}

type Given = (name: string) => boolean;
type ArgumentValue = (name: string) => unknown;

function toText(_args: Named, given: Given, value: ArgumentValue): string | null {
  const name = '$dateToString';
  const date = value('date');
  const zone = zoneOf(value('timezone'), given('timezone'), name);
  const format = given('format') ? formatOf(value('format'), name) : undefined;
  if (isNil(date) || zone === null || format === null) return null;
  const instant = instantOf(date, name);
  const { year } = calendarParts(toLocal(instant, zone));
  if (year < 0 || year > 9999) refuse(name, 'a year from 0 to 9999', String(year));
  return formatDate(instant, format ?? (zone.isUtc ? `${ISO}Z` : ISO), zone);
}

function formatOf(format: unknown, name: string): string | null {
  if (isNil(format)) return null;
  if (typeof format !== 'string') refuse(name, 'a format as text', describe(format));
  const unknown = unknownConversion(format);
  if (unknown !== undefined) refuse(name, 'a known conversion', `%${unknown}`);
  return format;
}

function fromText(input: unknown, given: Given, value: ArgumentValue): Date | null {
  const name = '$dateFromString';
  const zone = zoneOf(value('timezone'), given('timezone'), name);
  const format = given('format') ? parseFormatOf(value('format'), name) : undefined;
  if (isNil(input) || zone === null || format === null) return null;
  return readDate(input, format, given('timezone') ? zone : undefined, name);
}

function readDate(
  input: unknown,
  format: string | undefined,
  zone: ReturnType<typeof zoneOf> | undefined,
  name: string,
): Date {
  const unreadable = (expected: string, got: string): never => {
    try {
      return refuse(name, expected, got);
    } catch (cause) {
      throw new UnreadableDate('no date', { cause });
    }
  };
  if (typeof input !== 'string') return unreadable('a date as text', describe(input));
  const instant = parseDate(input, format, zone ?? undefined);
  if (instant === 'twice') return unreadable('one time zone', 'two');
  if (instant === undefined) return unreadable('a date', JSON.stringify(input));
  return dateFrom(instant, name);
}

function parseFormatOf(format: unknown, name: string): string | null {
  if (isNil(format)) return null;
  if (typeof format !== 'string') refuse(name, 'a format as text', describe(format));
  for (const [, letter] of format.matchAll(/%([\s\S]?)/g)) {
    if (!isParsed(letter as string)) refuse(name, 'a conversion that can be read', `%${letter}`);
  }
  return format;
}

/** A date of text in one of the usual forms, for conversions; undefined when it is none. */
export function dateOfText(input: string): Date | undefined {
  const instant = parseDate(input, undefined, undefined);
  return typeof instant === 'number' ? new Date(instant) : undefined;
}
