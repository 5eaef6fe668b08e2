import { isPlainObject } from '../../base/values.js';
import { readSort } from '../sort.js';
import { sortItems } from '../sort-items.js';
import {
  describe,
  isNil,
  lazy,
  type Named,
  namesChecker,
  type Operator,
  refuse,
} from './operator.js';

const NAME = '$sortArray';
const checkNames = namesChecker(NAME, ['input!', 'sortBy!']);

/** Sorts by whole values (`1`, `-1`) or by paths of objects. Equal ones keep their order. */
export const sortArray: Operator = lazy(check, (operand, scope) => {
  const { input, sortBy } = operand as Named;
  const array = scope.value(input);
  if (isNil(array)) return null;
  if (!Array.isArray(array)) refuse(NAME, 'an array as input', describe(array));
  return sortItems(array, sortBy);
});

function check(operand: unknown): void {
  const { sortBy } = checkNames(operand);
  if (sortBy === 1 || sortBy === -1) return;
  if (!isPlainObject(sortBy) || Object.keys(sortBy).length === 0)
    refuse(NAME, '1, -1 or an object of paths as sortBy', describe(sortBy));
  readSort(sortBy);
}
