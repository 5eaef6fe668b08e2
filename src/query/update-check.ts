import { describeType, isPlainObject } from '../base/values.js';
import { isPosition, ownValue, splitPath } from './paths.js';
import { refuseUpdate, type UpdateOperators } from './update-operators.js';

/** How far past its end an array may grow by one assignment. */
const PADDING_MAX = 1_500_000;

/**
 * Refuses what cannot be applied to this document, before anything is: a path
 * through a scalar, a sum with text, a push to what is no array.
 *
 * @throws {JdbxError} INVALID_UPDATE
 */
export function checkAgainstDocument(document: unknown, operators: UpdateOperators): void {
  for (const [operator, operands] of Object.entries(operators)) {
    for (const [path, operand] of Object.entries(operands)) {
      const place = `${operator}.${path}`;
      if (operator === '$rename') checkRename(document, path, operand as string);
      const target = find(document, path);
      if (target.blocked && !PASSIVE.has(operator)) {
        refuseUpdate(place, `cannot create this path in ${describeType(target.value)}`);
      }
      const expected = EXPECTED[operator];
      if (target.blocked || target.value === undefined || !expected) continue;
      if (!expected.fits(target.value)) {
        refuseUpdate(place, `expected ${expected.what} there, got ${describeType(target.value)}`);
      }
    }
  }
}

/** `$rename` moves between objects only: no element of an array has a name. */
function checkRename(document: unknown, from: string, to: string): void {
  for (const path of [from, to]) {
    const parts = splitPath(path);
    for (let at = 1; at < parts.length; at++) {
      const { value, blocked } = find(document, parts.slice(0, at).join('.'));
      if (blocked || (value !== undefined && !isPlainObject(value))) {
        refuseUpdate(`$rename.${from}`, `cannot follow ${path} through ${describeType(value)}`);
      }
    }
  }
}

/** What stands at a plain path, or undefined. */
export function valueAt(document: unknown, path: string): unknown {
  const { value, blocked } = find(document, path);
  return blocked ? undefined : value;
}

/** What changes nothing where there is nothing. */
const PASSIVE = new Set(['$unset', '$pull', '$pullAll']);

const NUMBER = { what: 'a number', fits: (value: unknown) => typeof value === 'number' };
const ARRAY = { what: 'an array', fits: Array.isArray };
const INTEGER = { what: 'a whole number', fits: Number.isInteger };

const EXPECTED: Readonly<Record<string, { what: string; fits(value: unknown): boolean }>> = {
  $inc: NUMBER,
  $mul: NUMBER,
  $bit: INTEGER,
  $push: ARRAY,
  $addToSet: ARRAY,
  $pull: ARRAY,
  $pullAll: ARRAY,
  $pop: ARRAY,
};

/** Follows a plain path. `blocked` says that a value stands where an object or array would have to be. */
function find(
  document: unknown,
  path: string,
): { readonly value: unknown; readonly blocked: boolean } {
  let node = document;
  for (const segment of splitPath(path)) {
    if (node === undefined) return { value: undefined, blocked: false };
    if (Array.isArray(node)) {
      if (!isPosition(segment) || Number(segment) > node.length + PADDING_MAX)
        return { value: node, blocked: true };
      node = node[Number(segment)];
    } else if (isPlainObject(node)) node = ownValue(node, segment);
    else return { value: node, blocked: true };
  }
  return { value: node, blocked: false };
}
