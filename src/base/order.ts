import type { Value } from './values.js';

/**
 * The total order over values across types, as MongoDB has it:
 * missing = null < numbers < strings < objects < arrays < binary < booleans < dates.
 * https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
 */
export function compareValues(_left: Value | undefined, _right: Value | undefined): number {
  throw new Error('placeholder');
}
