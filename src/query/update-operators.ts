import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject, takeValue, type Value } from '../base/values.js';
import { readFilter } from './filter.js';
import { pathsOverlap, splitPath } from './paths.js';

/** Operator → path → operand, checked as far as that goes without a document. */
export type UpdateOperators = Readonly<Record<string, Readonly<Record<string, Value>>>>;

const PROTECTED = ['_id', '_type', '_rev'];

/**
 * Checks update operators and brings them to a common form: `$currentDate` and,
 * when a document is being made, `$setOnInsert` become `$set`.
 *
 * @throws {JdbxError} INVALID_UPDATE
 */
export function readUpdate(
  update: Record<string, unknown>,
  { now, inserting }: { readonly now: number; readonly inserting?: boolean | undefined },
): UpdateOperators {
  const out: Record<string, Record<string, Value>> = {};
  const paths: string[] = [];
  for (const [operator, operand] of Object.entries(update)) {
    checkOperator(operator, operand);
    for (const [path, value] of Object.entries(operand)) {
      if (value === undefined) continue;
      const place = `${operator}.${path}`;
      for (const changed of changedPaths(operator, path, value)) addPath(paths, changed, place);
      OPERANDS[operator]?.(value, place);
      if (operator === '$setOnInsert' && !inserting) continue;
      const target = ALIASES[operator] ?? operator;
      out[target] ??= {};
      out[target][path] = operator === '$currentDate' ? new Date(now) : takeOperand(value, place);
    }
  }
  return out;
}

const ALIASES: Readonly<Record<string, string>> = { $currentDate: '$set', $setOnInsert: '$set' };

function checkOperator(
  operator: string,
  operand: unknown,
): asserts operand is Record<string, unknown> {
  if (!operator.startsWith('$')) {
    refuseUpdate(operator, 'expected update operators such as $set; to replace a document, put it');
  }
  if (!Object.hasOwn(OPERANDS, operator)) refuseUpdate(operator, `unknown operator ${operator}`);
  if (!isPlainObject(operand)) {
    refuseUpdate(operator, `expected an object of paths, got ${describeType(operand)}`);
  }
}

function changedPaths(operator: string, path: string, value: unknown): readonly string[] {
  return operator === '$rename' ? [path, String(value)] : [path];
}

function addPath(paths: string[], path: string, place: string): void {
  const segments = splitPath(path);
  if (segments.includes('')) refuseUpdate(place, 'expected a path without empty parts');
  if (segments.includes('__proto__')) refuseUpdate(place, 'expected another property name');
  const [first] = segments;
  // A document that is made may have such a name at its top.
  const made = place.startsWith('$setOnInsert.') && segments.length === 1;
  if (first?.startsWith('$') && !made)
    refuseUpdate(place, 'expected a path that starts with a name');
  if (segments.some((part) => part.includes('\0')))
    refuseUpdate(place, 'expected a path without null characters');
  // Setting the same value again is no change; whether it is the same is seen on the document.
  const sets = segments.length === 1 && /^\$set(OnInsert)?\./.test(place);
  if (PROTECTED.includes(first as string) && !sets)
    refuseUpdate(place, `${first} cannot be changed`);
  const other = paths.find((known) => pathsOverlap(known, path));
  if (other !== undefined) refuseUpdate(place, `conflicts with the change of ${other}`);
  paths.push(path);
}

function takeOperand(value: unknown, place: string): Value {
  // `$pull` takes filters, which may hold what no document can.
  if (place.startsWith('$pull.')) return value as Value;
  // What `$unset` names does not count.
  if (place.startsWith('$unset.')) return '';
  try {
    return takeValue(value);
  } catch (cause) {
    throw new JdbxError('INVALID_UPDATE', (cause as Error).message, { path: place, cause });
  }
}

type CheckOperand = (value: unknown, place: string) => void;

const any: CheckOperand = () => {};

const number: CheckOperand = (value, place) => {
  if (typeof value !== 'number')
    refuseUpdate(place, `expected a number, got ${describeType(value)}`);
};

const array: CheckOperand = (value, place) => {
  if (!Array.isArray(value)) refuseUpdate(place, `expected an array, got ${describeType(value)}`);
};

const rename: CheckOperand = (value, place) => {
  if (typeof value !== 'string') refuseUpdate(place, `expected a path, got ${describeType(value)}`);
  if (`${place}.${value}`.includes('$', 1) && /\.\$/.test(`${place.slice(8)}.${value}`)) {
    refuseUpdate(place, 'cannot rename inside arrays');
  }
};

const currentDate: CheckOperand = (value, place) => {
  const date =
    value === true ||
    value === false ||
    (isPlainObject(value) && value.$type === 'date' && Object.keys(value).length === 1);
  if (!date) refuseUpdate(place, "expected true or { $type: 'date' }");
};

const pop: CheckOperand = (value, place) => {
  if (value !== 1 && value !== -1) refuseUpdate(place, 'expected 1 or -1');
};

const bit: CheckOperand = (value, place) => {
  const entries = isPlainObject(value) ? Object.entries(value) : [];
  const fits = ([key, operand]: [string, unknown]) =>
    ['and', 'or', 'xor'].includes(key) && Number.isInteger(operand);
  if (entries.length !== 1 || !entries.every(fits)) {
    refuseUpdate(place, 'expected one of { and, or, xor } with a whole number');
  }
};

const PUSH_MODIFIERS = ['$each', '$slice', '$sort', '$position'];

const push: CheckOperand = (value, place) => {
  if (!isPlainObject(value)) return;
  const modifiers = Object.keys(value).filter((key) => key.startsWith('$'));
  // Without $each the object is a value like any other.
  if (modifiers.length === 0 || !('$each' in value)) return;
  for (const key of Object.keys(value)) {
    if (!PUSH_MODIFIERS.includes(key)) refuseUpdate(place, `unknown modifier ${key}`);
  }
  if (!Array.isArray(value.$each)) refuseUpdate(place, 'expected $each with an array');
  checkInteger(value.$slice, `${place}.$slice`);
  checkInteger(value.$position, `${place}.$position`);
  checkSort(value.$sort, `${place}.$sort`);
};

function checkInteger(value: unknown, place: string): void {
  if (value !== undefined && !Number.isInteger(value))
    refuseUpdate(place, 'expected a whole number');
}

function checkSort(sort: unknown, place: string): void {
  const isDirection = (value: unknown) => value === 1 || value === -1;
  if (sort === undefined || isDirection(sort)) return;
  const fits =
    isPlainObject(sort) && Object.keys(sort).length > 0 && Object.values(sort).every(isDirection);
  if (!fits) refuseUpdate(place, 'expected 1, -1 or an object of paths and directions');
}

const addToSet: CheckOperand = (value, place) => {
  if (!isPlainObject(value) || !('$each' in value)) return;
  if (!Array.isArray(value.$each)) refuseUpdate(place, 'expected $each with an array');
  if (Object.keys(value).length > 1) refuseUpdate(place, 'expected $each alone');
};

const pull: CheckOperand = (value, place) => {
  const operators =
    isPlainObject(value) && /^\$(?!and$|or$|nor$)/.test(Object.keys(value)[0] ?? '');
  if (!operators && !isPlainObject(value)) return;
  try {
    readFilter(operators ? { element: value } : value);
  } catch (cause) {
    throw new JdbxError('INVALID_UPDATE', (cause as Error).message, { path: place, cause });
  }
};

const OPERANDS: Readonly<Record<string, CheckOperand>> = {
  $set: any,
  $setOnInsert: any,
  $unset: any,
  $min: any,
  $max: any,
  $inc: number,
  $mul: number,
  $rename: rename,
  $currentDate: currentDate,
  $push: push,
  $addToSet: addToSet,
  $pull: pull,
  $pullAll: array,
  $pop: pop,
  $bit: bit,
};

export function refuseUpdate(path: string, text: string): never {
  throw new JdbxError('INVALID_UPDATE', text, { path });
}
