import { dateFrom, instantOf, unitOf, weekdayOf, zoneOf } from '../dates/arguments.js';
import { addUnits, truncate, unitsBetween } from '../dates/units.js';
import { describe, isNil, type Named, named, type Operators, refuse } from './operator.js';

const MOVES = ['startDate!', 'unit!', 'amount!', 'timezone'];

/** Dates moved, counted apart and cut to units, in any time zone. */
export const DATE_ARITHMETIC_OPERATORS: Operators = {
  $dateAdd: named('$dateAdd', MOVES, (args, given) => move('$dateAdd', 1, args, given)),
  $dateSubtract: named('$dateSubtract', MOVES, (args, given) =>
    move('$dateSubtract', -1, args, given),
  ),
  $dateDiff: named(
    '$dateDiff',
    ['startDate!', 'endDate!', 'unit!', 'timezone', 'startOfWeek'],
    difference,
  ),
  $dateTrunc: named(
    '$dateTrunc',
    ['date!', 'unit!', 'binSize', 'timezone', 'startOfWeek'],
    truncated,
  ),
};

type Given = (name: string) => boolean;

function move(name: string, sign: 1 | -1, args: Named, given: Given): Date | null {
  const { startDate, unit, amount } = args;
  const zone = zoneOf(args.timezone, given('timezone'), name);
  if ([startDate, unit, amount].some(isNil) || zone === null) return null;
  const by = unitOf(unit, name);
  if (!Number.isInteger(amount) || Math.abs(amount as number) > Number.MAX_SAFE_INTEGER)
    refuse(name, 'a whole number as amount', describe(amount));
  const moved = addUnits(instantOf(startDate, name), by, sign * (amount as number), zone);
  return dateFrom(moved, name);
}

function difference(args: Named, given: Given): number | null {
  const name = '$dateDiff';
  const { startDate, endDate } = args;
  const common = unitArguments(name, args, given);
  if (isNil(startDate) || isNil(endDate) || common === null) return null;
  const { unit, zone, weekStart } = common;
  return unitsBetween(instantOf(startDate, name), instantOf(endDate, name), unit, zone, weekStart);
}

function truncated(args: Named, given: Given): Date | null {
  const name = '$dateTrunc';
  const { date, binSize } = args;
  const common = unitArguments(name, args, given);
  const size = given('binSize') ? binSize : 1;
  if (!isNil(size) && !(Number.isInteger(size) && (size as number) > 0))
    refuse(name, 'a positive whole number as binSize', describe(size));
  if (isNil(date) || isNil(size) || common === null) return null;
  const { unit, zone, weekStart } = common;
  return dateFrom(truncate(instantOf(date, name), unit, size as number, zone, weekStart), name);
}

/** The unit with its zone and its first day of the week; null when one of them is nothing. */
function unitArguments(name: string, args: Named, given: Given) {
  const unit = isNil(args.unit) ? null : unitOf(args.unit, name);
  const zone = zoneOf(args.timezone, given('timezone'), name);
  const weeks = unit === 'week' && given('startOfWeek');
  const weekStart = weeks && !isNil(args.startOfWeek) ? weekdayOf(args.startOfWeek, name) : 0;
  if (unit === null || zone === null || (weeks && isNil(args.startOfWeek))) return null;
  return { unit, zone, weekStart };
}
