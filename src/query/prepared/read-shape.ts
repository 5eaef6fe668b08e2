import { isPlainObject } from '../../base/values.js';
import type { Query } from '../contract.js';
import type { Shape } from './shape.js';

/** An operand that is part of no shape: a scalar, or some of one kind. */
export type Operand = Scalar | readonly Scalar[];
export type Scalar = string | number | boolean;

/** What a query asks for, beside its shape. */
export class Asked {
  type = '';
  /** In the order of its conditions. */
  readonly operands: Operand[] = [];
}

/** Longer lists are planned each time: they take long to read anyway. */
export const LISTED_MAX = 64;
const NAME_MAX = 200;
const KINDS = 4;
const TEXT = 1;
const NUMBER = 2;
const FLAG = 3;

/** Codes of steps; those of `$in` are the lengths of lists beyond it. */
const OPERATORS: ReadonlyMap<string, number> = new Map(
  ['$eq', '$gt', '$gte', '$lt', '$lte', '$in'].map((name, at) => [name, at * KINDS]),
);
const EQUAL = 0;
const IN = 5 * KINDS;
const LISTED = IN + KINDS;
const SORT = 1_000;

/**
 * The shape of a query, with what it asks for put into `asked`; undefined for one that is not all comparisons
 * of fields with scalars, in one `_type`: it is parsed and planned each time.
 */
export function readShape<T>(
  root: Shape<T>,
  { filter, sort, projection }: Query,
  asked: Asked,
): Shape<T> | undefined {
  if (projection !== undefined || !isPlainObject(filter)) return undefined;
  let shape: Shape<T> | undefined = root;
  const names = Object.keys(filter);
  for (let at = 0; at < names.length && shape; at++) {
    const name = names[at] as string;
    shape = readField(shape, name, filter[name], asked);
  }
  if (!shape || asked.type === '') return undefined;
  return sort === undefined ? shape : readOrder(shape, sort);
}

function readField<T>(
  shape: Shape<T>,
  name: string,
  value: unknown,
  asked: Asked,
): Shape<T> | undefined {
  if (name.length > NAME_MAX || name.startsWith('$') || name === '') return undefined;
  const field = shape.by(name);
  if (name === '_type') return readType(field, value, asked);
  const kind = kindOf(value);
  if (kind === 0) return readOperators(field, value, asked.operands);
  asked.operands.push(value as Scalar);
  return field.at(EQUAL + kind);
}

/** The type chooses the indexes, so it is part of the shape. */
function readType<T>(shape: Shape<T>, type: unknown, asked: Asked): Shape<T> | undefined {
  if (typeof type !== 'string' || type.length > NAME_MAX) return undefined;
  asked.type = type;
  return shape.by(type);
}

function readOperators<T>(
  field: Shape<T>,
  value: unknown,
  operands: Operand[],
): Shape<T> | undefined {
  if (!isPlainObject(value)) return undefined;
  const names = Object.keys(value);
  let shape: Shape<T> | undefined = names.length === 0 ? undefined : field;
  for (let at = 0; at < names.length && shape; at++) {
    const code = OPERATORS.get(names[at] as string);
    if (code === undefined) return undefined;
    shape = readOperand(shape, code, value[names[at] as string], operands);
  }
  return shape;
}

function readOperand<T>(
  shape: Shape<T>,
  code: number,
  operand: unknown,
  operands: Operand[],
): Shape<T> | undefined {
  if (code === IN) return readList(shape, operand, operands);
  const kind = kindOf(operand);
  if (kind === 0) return undefined;
  operands.push(operand as Scalar);
  return shape.at(code + kind);
}

function readList<T>(shape: Shape<T>, list: unknown, operands: Operand[]): Shape<T> | undefined {
  if (!Array.isArray(list) || list.length === 0 || list.length > LISTED_MAX) return undefined;
  const kind = kindOf(list[0]);
  const items: Scalar[] = [];
  for (let at = 0; at < list.length; at++) {
    const item = list[at];
    if (kind === 0 || kindOf(item) !== kind) return undefined;
    items.push(item);
  }
  operands.push(items);
  return shape.at(IN + kind).at(LISTED + items.length);
}

function readOrder<T>(shape: Shape<T>, sort: unknown): Shape<T> | undefined {
  if (!isPlainObject(sort)) return undefined;
  let ordered = shape.at(SORT);
  for (const path of Object.keys(sort)) {
    const direction = sort[path];
    if ((direction !== 1 && direction !== -1) || path.length > NAME_MAX) return undefined;
    ordered = ordered.by(path).at(direction + 1);
  }
  return ordered;
}

/** 0 for what is no scalar, or one that no key holds. */
function kindOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? TEXT : 0;
    case 'number':
      return Number.isFinite(value) ? NUMBER : 0;
    case 'boolean':
      return FLAG;
    default:
      return 0;
  }
}
