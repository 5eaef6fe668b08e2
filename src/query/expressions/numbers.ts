import { dateFrom } from '../dates/arguments.js';
import {
  describe,
  isNil,
  listed,
  type Operator,
  type Operators,
  refuse,
  unary,
} from './operator.js';

const MANY: readonly [number, number] = [0, Number.POSITIVE_INFINITY];
const RADIANS = Math.PI / 180;

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/#arithmetic-expression-operators */
export const NUMBER_OPERATORS: Operators = {
  $add: listed('$add', MANY, add),
  $subtract: listed('$subtract', 2, subtract),
  $multiply: listed('$multiply', MANY, (args, name) =>
    args.some(isNil)
      ? null
      : args.reduce((product: number, value) => product * numberOf(value, name), 1),
  ),
  $divide: binary('$divide', (left, right, name) =>
    right === 0 ? refuse(name, 'a divisor other than 0', '0') : left / right,
  ),
  $mod: binary('$mod', (left, right, name) =>
    right === 0 ? refuse(name, 'a divisor other than 0', '0') : left % right,
  ),
  $pow: binary('$pow', (left, right, name) =>
    left === 0 && right < 0
      ? refuse(name, 'an exponent from 0 for 0', String(right))
      : left ** right,
  ),
  $log: binary('$log', logarithm),
  $abs: numeric('$abs', Math.abs),
  $ceil: numeric('$ceil', Math.ceil),
  $floor: numeric('$floor', Math.floor),
  $exp: numeric('$exp', Math.exp),
  $ln: numeric('$ln', (value, name) => Math.log(positive(value, name))),
  $log10: numeric('$log10', (value, name) => log10(positive(value, name))),
  $sqrt: numeric('$sqrt', (value, name) =>
    value < 0 ? refuse(name, 'a number from 0', String(value)) : Math.sqrt(value),
  ),
  $sigmoid: sigmoid(),
  $round: listed('$round', [1, 2], (args, name) => toPlace(args, name, roundToEven)),
  $trunc: listed('$trunc', [1, 2], (args, name) => toPlace(args, name, Math.trunc)),
  $degreesToRadians: numeric('$degreesToRadians', (value) => value * RADIANS),
  $radiansToDegrees: numeric('$radiansToDegrees', (value) => value / RADIANS),
  $bitAnd: bitwise('$bitAnd', -1, (left, right) => left & right),
  $bitOr: bitwise('$bitOr', 0, (left, right) => left | right),
  $bitXor: bitwise('$bitXor', 0, (left, right) => left ^ right),
  $bitNot: unary('$bitNot', (value, name) => ~integerOf(value, name)),
  ...trigonometry(),
};

/** Unlike its siblings it takes no list of one. */
function sigmoid(): Operator {
  const operator = numeric('$sigmoid', (value) => 1 / (1 + Math.exp(-value)));
  return {
    ...operator,
    check: (operand) => {
      if (Array.isArray(operand)) refuse('$sigmoid', 'one number', 'a list');
    },
  };
}

export function numberOf(value: unknown, name: string): number {
  if (typeof value !== 'number') refuse(name, 'a number', describe(value));
  return value;
}

function integerOf(value: unknown, name: string): number {
  if (!Number.isInteger(value)) refuse(name, 'a whole number', describe(value));
  return value as number;
}

function positive(value: number, name: string): number {
  if (value <= 0) refuse(name, 'a positive number', String(value));
  return value;
}

function numeric(name: string, apply: (value: number, name: string) => number): Operator {
  return unary(name, (value) => apply(numberOf(value, name), name));
}

function binary(
  name: string,
  apply: (left: number, right: number, name: string) => number,
): Operator {
  return listed(name, 2, (args) => {
    if (args.some(isNil)) return checked(args, name, null);
    return apply(numberOf(args[0], name), numberOf(args[1], name), name);
  });
}

/** Numbers, or nothing; anything else is refused even beside nothing. */
function checked<T>(args: readonly unknown[], name: string, result: T): T {
  for (const value of args) if (!isNil(value)) numberOf(value, name);
  return result;
}

/** At most one date, which milliseconds are added to. */
function add(args: readonly unknown[], name: string): number | Date | null {
  const dates = args.filter((value) => value instanceof Date);
  if (dates.length > 1) refuse(name, 'at most one date', String(dates.length));
  const rest = args.filter((value) => !(value instanceof Date));
  if (rest.some(isNil)) return checked(rest, name, null);
  const sum = rest.reduce((total: number, value) => total + numberOf(value, name), 0);
  const [date] = dates;
  return date ? dateFrom(date.getTime() + Math.round(sum), name) : sum;
}

function subtract([left, right]: readonly unknown[], name: string): number | Date | null {
  if (isNil(left) || isNil(right)) return null;
  if (!(left instanceof Date)) return numberOf(left, name) - numberOf(right, name);
  if (right instanceof Date) return left.getTime() - right.getTime();
  return dateFrom(left.getTime() - Math.round(numberOf(right, name)), name);
}

function logarithm(value: number, base: number, name: string): number {
  if (base <= 0 || base === 1) refuse(name, 'a positive base other than 1', String(base));
  positive(value, name);
  return base === 10
    ? log10(value)
    : base === 2
      ? Math.log2(value)
      : Math.log(value) / Math.log(base);
}

const log10 = Math.log10;

/** Halves go to the even neighbour. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

const PLACES: readonly [number, number] = [-20, 100];

function toPlace(
  [value, place]: readonly unknown[],
  name: string,
  cut: (value: number) => number,
): number | null {
  const digits = place === undefined ? 0 : place;
  if (isNil(value) || digits === null) return null;
  const number = numberOf(value, name);
  const [least, most] = PLACES;
  if (!Number.isInteger(digits) || (digits as number) < least || (digits as number) > most)
    refuse(name, `a place from ${least} to ${most}`, describe(digits));
  if (!Number.isFinite(number)) return number;
  return atPlace(number, digits as number, cut);
}

/** Moves the point in the decimal digits, which does not round as a product would. */
function atPlace(value: number, digits: number, cut: (value: number) => number): number {
  if (digits === 0) return cut(value);
  const moved = cut(shifted(value, digits));
  return shifted(moved, -digits);
}

function shifted(value: number, digits: number): number {
  const [mantissa, exponent = '0'] = String(value).split('e');
  return Number(`${mantissa}e${Number(exponent) + digits}`);
}

/** Whole numbers of 32 bits go by the operators of the language, others by 64 bits. */
function bitwise(
  name: string,
  start: number,
  apply: (left: number, right: number) => number,
): Operator {
  return listed(name, MANY, (args) => {
    if (args.some(isNil)) return null;
    return args.reduce((result: number, value) => apply(result, integerOf(value, name)), start);
  });
}

function trigonometry(): Operators {
  const within =
    (apply: (value: number) => number, fits: (value: number) => boolean, range: string) =>
    (value: number, name: string) =>
      fits(value) || Number.isNaN(value)
        ? apply(value)
        : refuse(name, `a number ${range}`, String(value));
  const finite = (apply: (value: number) => number) =>
    within(apply, Number.isFinite, 'that is finite');
  const unit = (value: number) => Math.abs(value) <= 1;
  const functions: Record<string, (value: number, name: string) => number> = {
    $sin: finite(Math.sin),
    $cos: finite(Math.cos),
    $tan: finite(Math.tan),
    $asin: within(Math.asin, unit, 'from -1 to 1'),
    $acos: within(Math.acos, unit, 'from -1 to 1'),
    $atan: Math.atan,
    $sinh: Math.sinh,
    $cosh: Math.cosh,
    $tanh: Math.tanh,
    $asinh: Math.asinh,
    $acosh: within(Math.acosh, (value) => value >= 1, 'from 1'),
    $atanh: within(Math.atanh, unit, 'from -1 to 1'),
  };
  const all = Object.entries(functions).map(
    ([name, apply]) => [name, numeric(name, apply)] as const,
  );
  return { ...Object.fromEntries(all), $atan2: binary('$atan2', Math.atan2) };
}
