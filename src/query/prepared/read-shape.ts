import { isPlainObject } from '../../base/values.js';
import type { Query } from '../contract.js';
import type { Shape } from './shape.js';

/** An operand that is part of no shape: a scalar, or some of one kind. */
export type Operand = Scalar | readonly Scalar[];
export type Scalar = string | number | boolean;

/** What a query asks for, beside its shape. */
export class Asked {
  type = '';
  /** In the order of its conditions. Begun with some places, which cost less than growing does. */
  readonly operands: Operand[] = ['', '', '', ''];
  count = 0;

  add(operand: Operand): void {
    this.operands[this.count++] = operand;
  }
}

/** Longer lists are planned each time: they take long to read anyway. */
export const LISTED_MAX = 64;
const NAME_MAX = 200;
const KINDS = 4;
const TEXT = 1;
const NUMBER = 2;
const FLAG = 3;

/** Codes of steps; those of `$in` are the lengths of lists beyond it. */
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
  for (const name in filter) {
    if (!isOwn(filter, name)) continue;
    shape = readField(shape, name, filter[name], asked);
    if (!shape) return undefined;
  }
  if (asked.type === '') return undefined;
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
  if (kind === 0) return readOperators(field, value, asked);
  asked.add(value as Scalar);
  return field.at(EQUAL + kind);
}

/** The type chooses the indexes, so it is part of the shape. */
function readType<T>(shape: Shape<T>, type: unknown, asked: Asked): Shape<T> | undefined {
  if (typeof type !== 'string' || type.length > NAME_MAX) return undefined;
  asked.type = type;
  return shape.by(type);
}

function readOperators<T>(field: Shape<T>, value: unknown, asked: Asked): Shape<T> | undefined {
  if (!isPlainObject(value)) return undefined;
  let shape: Shape<T> | undefined;
  for (const name in value) {
    if (!isOwn(value, name)) continue;
    const code = codeOf(name);
    if (code < 0) return undefined;
    shape = readOperand(shape ?? field, code, value[name], asked);
    if (!shape) return undefined;
  }
  return shape;
}

/** Names are the engine's own texts, so each comparison is one of places in memory. */
function codeOf(operator: string): number {
  switch (operator) {
    case '$eq':
      return EQUAL;
    case '$gt':
      return KINDS;
    case '$gte':
      return 2 * KINDS;
    case '$lt':
      return 3 * KINDS;
    case '$lte':
      return 4 * KINDS;
    case '$in':
      return IN;
    default:
      return -1;
  }
}

function readOperand<T>(
  shape: Shape<T>,
  code: number,
  operand: unknown,
  asked: Asked,
): Shape<T> | undefined {
  if (code === IN) return readList(shape, operand, asked);
  const kind = kindOf(operand);
  if (kind === 0) return undefined;
  asked.add(operand as Scalar);
  return shape.at(code + kind);
}

function readList<T>(shape: Shape<T>, list: unknown, asked: Asked): Shape<T> | undefined {
  if (!Array.isArray(list) || list.length === 0 || list.length > LISTED_MAX) return undefined;
  const kind = kindOf(list[0]);
  const items: Scalar[] = [];
  for (let at = 0; at < list.length; at++) {
    const item = list[at];
    if (kind === 0 || kindOf(item) !== kind) return undefined;
    items.push(item);
  }
  asked.add(items);
  return shape.at(IN + kind).at(LISTED + items.length);
}

function readOrder<T>(shape: Shape<T>, sort: unknown): Shape<T> | undefined {
  if (!isPlainObject(sort)) return undefined;
  let ordered = shape.at(SORT);
  for (const path in sort) {
    if (!isOwn(sort, path)) continue;
    const direction = sort[path];
    if ((direction !== 1 && direction !== -1) || path.length > NAME_MAX) return undefined;
    ordered = ordered.by(path).at(direction + 1);
  }
  return ordered;
}

/** 0 for what is no scalar, or one that no key holds. */
function kindOf(value: unknown): number {
  if (typeof value === 'string') return value.isWellFormed() ? TEXT : 0;
  if (typeof value === 'number') return Number.isFinite(value) ? NUMBER : 0;
  return typeof value === 'boolean' ? FLAG : 0;
}

/** Of a name that `for … in` has just given, the engine answers this from what it knows already, in these words only. */
function isOwn(object: object, name: string): boolean {
  // biome-ignore lint/suspicious/noPrototypeBuiltins: Object.hasOwn is looked up anew each time
  return Object.prototype.hasOwnProperty.call(object, name);
}
