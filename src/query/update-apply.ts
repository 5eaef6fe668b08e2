import type { Value } from '../base/values.js';
import { ARRAY_UPDATES } from './array-updates.js';
import { isPosition, ownValue, splitPath } from './paths.js';
import { valueAt } from './update-check.js';
import type { UpdateOperators } from './update-operators.js';

type Holder = Record<string, unknown> | unknown[];
type Change = (current: Value | undefined, operand: Value) => Value | undefined;

/** From the value that is there, if any, to the one in its place; undefined changes nothing. */
const CHANGES: Readonly<Record<string, Change>> = {
  $set: (_current, operand) => operand,
  $inc: (current, operand) => ((current as number | undefined) ?? 0) + (operand as number),
  $mul: (current, operand) => ((current as number | undefined) ?? 0) * (operand as number),
  $bit: (current, operand) => bits((current as number | undefined) ?? 0, operand as Bits),
  ...ARRAY_UPDATES,
};

/**
 * Applies checked operators with plain paths to a document that may be changed. All of
 * them see the document as it was: no two of them touch one path.
 */
export function applyChanges(document: Record<string, unknown>, operators: UpdateOperators): void {
  const values: [path: string, value: Value][] = [];
  const gone: string[] = [];
  for (const [operator, operands] of Object.entries(operators)) {
    for (const [path, operand] of Object.entries(operands)) {
      const current = valueAt(document, path) as Value | undefined;
      if (operator === '$unset') gone.push(path);
      else if (operator === '$rename' && current !== undefined) {
        gone.push(path);
        values.push([operand as string, current]);
      } else {
        const value = CHANGES[operator]?.(current, operand);
        if (value !== undefined) values.push([path, value]);
      }
    }
  }
  for (const path of gone) unset(document, splitPath(path));
  for (const [path, value] of values) set(document, splitPath(path), value);
}

type Bits = { readonly and?: number; readonly or?: number; readonly xor?: number };

function bits(current: number, { and, or, xor }: Bits): number {
  const number = (value: bigint) => Number(BigInt.asIntN(64, value));
  if (and !== undefined) return number(BigInt(current) & BigInt(and));
  if (or !== undefined) return number(BigInt(current) | BigInt(or));
  return number(BigInt(current) ^ BigInt(xor as number));
}

/** Makes the objects on the way; an array grows by nulls up to the position. */
function set(document: Holder, path: readonly string[], value: unknown): void {
  let holder = document;
  for (const key of path.slice(0, -1)) {
    let next = child(holder, key) as Holder | undefined;
    if (next === undefined || next === null) {
      next = {};
      put(holder, key, next);
    }
    holder = next;
  }
  put(holder, path.at(-1) as string, value);
}

function put(holder: Holder, key: string, value: unknown): void {
  if (!Array.isArray(holder)) holder[key] = value;
  else {
    while (holder.length < Number(key)) holder.push(null);
    holder[Number(key)] = value;
  }
}

function child(holder: unknown, key: string): unknown {
  if (Array.isArray(holder)) return isPosition(key) ? holder[Number(key)] : undefined;
  return ownValue(holder, key);
}

/** An element of an array becomes null, so that the others keep their places. */
function unset(document: Holder, path: readonly string[]): void {
  const holder = path.slice(0, -1).reduce<unknown>(child, document);
  const last = path.at(-1) as string;
  if (Array.isArray(holder)) {
    if (isPosition(last) && Number(last) < holder.length) holder[Number(last)] = null;
  } else if (child(holder, last) !== undefined) delete (holder as Record<string, unknown>)[last];
}
