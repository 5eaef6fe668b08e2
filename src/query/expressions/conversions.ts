import { isPlainObject } from '../../base/values.js';
import { dateFrom } from '../dates/arguments.js';
import { isTypeName, typeOfNumber } from '../type-names.js';
import { dateOfText } from './date-text.js';
import {
  describe,
  isNil,
  lazy,
  listed,
  type Named,
  namesChecker,
  type Operators,
  refuse,
} from './operator.js';
import { numberText } from './strings.js';

type Convert = (value: unknown, name: string) => unknown;

/** By the name of the type that comes out, and its number. */
const TARGETS: Readonly<Record<string, Convert>> = {
  double: (value, name) => toNumber(value, name, true),
  decimal: (value, name) => toNumber(value, name, true),
  int: (value, name) => toInteger(value, name, 2 ** 31),
  long: (value, name) => toInteger(value, name, 2 ** 63),
  string: toText,
  bool: toBoolean,
  date: toDate,
  objectId: (value, name) =>
    refuse(name, 'a type that documents hold', `objectId of ${describe(value)}`),
  object: (value, name) => (isPlainObject(value) ? value : cannot(value, 'object', name)),
  array: (value, name) => (Array.isArray(value) ? value : cannot(value, 'array', name)),
  binData: (value, name) => (value instanceof Uint8Array ? value : cannot(value, 'binData', name)),
};

const ARGUMENTS = ['input!', 'to!', 'onError', 'onNull', 'format', 'byteOrder', 'base'];

const convertCheck = namesChecker('$convert', ARGUMENTS);

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/convert/ */
export const CONVERSION_OPERATORS: Operators = {
  $convert: lazy(convertCheck, (operand, scope) => {
    const args = operand as Named;
    const input = scope.value(args.input);
    const target = targetOf(scope.value(args.to));
    if (isNil(input)) return Object.hasOwn(args, 'onNull') ? scope.value(args.onNull) : null;
    if (target === null) return null;
    try {
      return convertTo(target, input);
    } catch (error) {
      if (!Object.hasOwn(args, 'onError')) throw error;
      return scope.value(args.onError);
    }
  }),
  $toDouble: conversion('$toDouble', 'double'),
  $toDecimal: conversion('$toDecimal', 'decimal'),
  $toInt: conversion('$toInt', 'int'),
  $toLong: conversion('$toLong', 'long'),
  $toString: conversion('$toString', 'string'),
  $toBool: conversion('$toBool', 'bool'),
  $toDate: conversion('$toDate', 'date'),
  $toObjectId: conversion('$toObjectId', 'objectId'),
};

function convertTo(target: string, input: unknown): unknown {
  const convert = TARGETS[target];
  return convert ? convert(input, '$convert') : cannot(input, target, '$convert');
}

function conversion(name: string, target: string) {
  return listed(name, 1, ([value]) =>
    isNil(value) ? null : (TARGETS[target] as Convert)(value, name),
  );
}

function targetOf(to: unknown): string | null {
  const type = isPlainObject(to) ? to.type : to;
  if (isNil(type)) return isPlainObject(to) ? refuse('$convert', 'a type', 'none') : null;
  const name = typeof type === 'number' ? typeOfNumber(type) : type;
  if (typeof name !== 'string' || !isTypeName(name))
    refuse('$convert', 'the name or number of a type', String(describe(type)));
  return name;
}

function cannot(value: unknown, target: string, name: string): never {
  return refuse(name, `what converts to ${target}`, describe(value));
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i;
const NAMED: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  inf: Number.POSITIVE_INFINITY,
};

function toNumber(value: unknown, name: string, whole: boolean): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Date) return value.getTime();
  if (typeof value !== 'string' || !whole) return cannot(value, 'a number', name);
  return numberOfText(value) ?? refuse(name, 'a number as text', JSON.stringify(value));
}

function numberOfText(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const number = Number(text);
    const lost = number === 0 && /[1-9]/.test(text.replace(/e.*$/i, ''));
    return Number.isFinite(number) && !lost ? number : undefined;
  }
  const known = NAMED[text.replace(/^[+-]/, '').toLowerCase()];
  if (known !== undefined) return text.startsWith('-') ? -known : known;
  return hexadecimal(text);
}

function hexadecimal(text: string): number | undefined {
  const found = HEXADECIMAL.exec(text);
  const [, sign, whole = '', fraction = '', power = '0'] = found ?? [];
  if (!found || whole + fraction === '') return undefined;
  const digits = Number.parseInt(whole + fraction, 16);
  return (sign === '-' ? -1 : 1) * digits * 2 ** (Number(power) - 4 * fraction.length);
}

/** Whole numbers below `limit` in size; text must be digits alone. */
function toInteger(value: unknown, name: string, limit: number): number {
  if (typeof value === 'string') {
    const digits = /^[+-]?\d+$/.test(value) ? BigInt(value.replace('+', '')) : undefined;
    const fits = digits !== undefined && digits >= BigInt(-limit) && digits < BigInt(limit);
    return fits ? Number(digits) : refuse(name, 'a whole number as text', JSON.stringify(value));
  }
  if (value instanceof Date && limit <= 2 ** 31) return cannot(value, 'int', name);
  return withinLimit(Math.trunc(toNumber(value, name, false)), value, name, limit);
}

function withinLimit(number: number, value: unknown, name: string, limit: number): number {
  if (!(number >= -limit && number < limit)) {
    refuse(
      name,
      'a whole number within range',
      typeof value === 'string' ? JSON.stringify(value) : describe(value),
    );
  }
  return number;
}

function toText(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return String(value);
  if (value instanceof Date) return value.toISOString();
  return cannot(value, 'string', name);
}

function toBoolean(value: unknown): boolean {
  return typeof value === 'number' ? value !== 0 : typeof value === 'boolean' ? value : true;
}

/** Text in a usual form, or milliseconds: any number, as there is one kind only. */
function toDate(value: unknown, name: string): Date {
  if (value instanceof Date) return value;
  if (typeof value === 'string') {
    return dateOfText(value) ?? refuse(name, 'a date as text', JSON.stringify(value));
  }
  if (typeof value !== 'number') return cannot(value, 'date', name);
  return dateFrom(Math.trunc(value), name);
}
