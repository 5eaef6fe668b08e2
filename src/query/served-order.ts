import type { IndexField, PlannableIndex } from './contract.js';
import type { FieldBound } from './field-bounds.js';
import { hasPosition } from './paths.js';
import type { SortField, SortOrder } from './sort.js';

/** Ranges beyond this are not merged: each is read on its own. */
const MERGED_MAX = 32;

export interface Served {
  readonly reverse: boolean;
  /** True when only each of the ranges gives the order, not one after the other. */
  readonly merged: boolean;
}

/**
 * Whether an index read within `bounds` gives the fields of an order, and from
 * which end. Fields held to one point do not count, in the index as in the order;
 * those held to several do not count within each range.
 *
 * On a multikey index a document comes first at its least (or, in reverse, its
 * greatest) key, which is how arrays sort, so the order holds as long as the
 * sorted fields have no bounds and no array is shared with another field.
 */
export function servedOrder(
  index: PlannableIndex,
  bounds: readonly FieldBound[],
  order: SortOrder,
): Served | undefined {
  const reverse = servedFrom(index, bounds, order, 1);
  if (reverse !== undefined) return { reverse, merged: false };
  const ranges = bounds.reduce((count, bound) => count * pointsOf(bound), 1);
  if (index.multikey || ranges < 2 || ranges > MERGED_MAX) return undefined;
  const each = servedFrom(index, bounds, order, MERGED_MAX);
  return each === undefined ? undefined : { reverse: each, merged: true };
}

function pointsOf(bound: FieldBound): number {
  return bound.kind === 'points' ? bound.values.length : 1;
}

/** @param pointsMax how many points still hold a field constant */
function servedFrom(
  { definition, multikey }: PlannableIndex,
  bounds: readonly FieldBound[],
  order: SortOrder,
  pointsMax: number,
): boolean | undefined {
  // Empty arrays have a key of their own in a unique index, apart from null.
  if (multikey && definition.unique) return undefined;
  const isConstant = (at: number) => {
    const bound = bounds[at];
    return bound?.kind === 'points' && bound.values.length <= pointsMax;
  };
  const isOne = (at: number) => isConstant(at) && pointsOf(bounds[at] as FieldBound) === 1;
  const constants = definition.fields.filter((_, at) => !multikey && isOne(at));
  const wanted = order.fields.filter(({ path }) => !constants.some((field) => field.path === path));
  if (wanted.length === 0 || wanted.some(({ path }) => hasPosition(path))) return undefined;
  if (
    multikey &&
    (rootsRepeat(definition.fields) || wantsBounded(definition.fields, bounds, wanted))
  ) {
    return undefined;
  }
  const direction = followFields(definition.fields, isConstant, wanted);
  return direction && direction === -1;
}

/** Walks index and order together; 1 or -1 when the index leads through all of the order. */
function followFields(
  fields: readonly IndexField[],
  isConstant: (at: number) => boolean,
  wanted: readonly SortField[],
): 1 | -1 | undefined {
  let direction: number | undefined;
  let next = 0;
  for (let at = 0; at < fields.length && next < wanted.length; at++) {
    const [field, sort] = [fields[at] as IndexField, wanted[next] as SortField];
    if (field.path !== sort.path) {
      if (isConstant(at)) continue;
      return undefined;
    }
    const turn = field.direction * sort.direction;
    if (direction !== undefined && direction !== turn) return undefined;
    direction = turn;
    next++;
  }
  return next === wanted.length ? (direction as 1 | -1 | undefined) : undefined;
}

function rootsRepeat(fields: readonly IndexField[]): boolean {
  const roots = fields.map((field) => field.path.split('.', 1)[0]);
  return new Set(roots).size < roots.length;
}

function wantsBounded(
  fields: readonly IndexField[],
  bounds: readonly FieldBound[],
  wanted: readonly SortField[],
): boolean {
  return bounds.some((_, at) => wanted.some((sort) => sort.path === fields[at]?.path));
}
