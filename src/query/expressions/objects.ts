import { isPlainObject } from '../../base/values.js';
import { toObject } from './arrays.js';
import {
  describe,
  isNil,
  lazy,
  listed,
  type Named,
  namesChecker,
  type Operators,
  refuse,
  type Scope,
} from './operator.js';

const getCheck = namesChecker('$getField', ['field!', 'input!']);
const setCheck = namesChecker('$setField', ['field!', 'input!', 'value!']);
const unsetCheck = namesChecker('$unsetField', ['field!', 'input!']);

/** Objects and their fields, by names that may hold dots and dollars. */
export const OBJECT_OPERATORS: Operators = {
  $mergeObjects: listed('$mergeObjects', [0, Number.POSITIVE_INFINITY], (objects, name) =>
    Object.assign({}, ...inOneList(objects).map((object) => objectOf(object, name) ?? {})),
  ),
  $objectToArray: listed('$objectToArray', 1, ([value], name) => {
    const object = objectOf(value, name);
    return (
      object &&
      Object.entries(object)
        .filter(([, v]) => v !== undefined)
        .map(([k, v]) => ({ k, v }))
    );
  }),
  $arrayToObject: listed('$arrayToObject', 1, ([value], name) =>
    isNil(value) ? null : toObject(value, name),
  ),
  $getField: lazy(checkGet, getField),
  $setField: lazy(
    (operand) => checkName(setCheck(operand).field, '$setField'),
    (operand, scope) => setField('$setField', operand as Named, scope),
  ),
  $unsetField: lazy(
    (operand) => checkName(unsetCheck(operand).field, '$unsetField'),
    (operand, scope) =>
      setField('$unsetField', { ...(operand as Named), value: '$$REMOVE' }, scope),
  ),
};

/** One argument may be the array of all. */
function inOneList(objects: readonly unknown[]): readonly unknown[] {
  const [first] = objects;
  return objects.length === 1 && Array.isArray(first) ? first : objects;
}

function objectOf(value: unknown, name: string): Record<string, unknown> | null {
  if (isNil(value)) return null;
  if (!isPlainObject(value)) refuse(name, 'an object', describe(value));
  return value;
}

/** A name that is known when the expression is written. */
function literalName(field: unknown): unknown {
  if (!isPlainObject(field)) return field;
  return '$literal' in field ? field.$literal : '$const' in field ? field.$const : field;
}

function checkName(field: unknown, name: string): void {
  const known = literalName(field);
  if (typeof known !== 'string') refuse(name, 'a name as field', describe(known));
  if (known === field && known.startsWith('$')) refuse(name, 'a name that is known', known);
  if (known.includes('\0')) refuse(name, 'a name without a null character', 'one with it');
}

/** `{ $getField: 'name' }` reads the document itself. */
function isShort(operand: unknown): boolean {
  return !isPlainObject(operand) || Object.keys(operand)[0]?.startsWith('$') === true;
}

function checkGet(operand: unknown): void {
  if (!isShort(operand)) getCheck(operand);
}

function getField(operand: unknown, scope: Scope): unknown {
  const { field, input } = isShort(operand)
    ? { field: operand, input: '$$CURRENT' }
    : (operand as Named);
  const name = scope.value(field);
  if (typeof name !== 'string') refuse('$getField', 'a name as field', describe(name));
  const value = scope.value(input);
  if (value === null) return null;
  return isPlainObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function setField(name: string, args: Named, scope: Scope): unknown {
  const object = objectOf(scope.value(args.input), name);
  if (object === null) return null;
  const field = literalName(args.field) as string;
  const value = scope.value(args.value);
  const { [field]: _old, ...rest } = object;
  if (value === undefined) return rest;
  return { ...object, [field]: value };
}
