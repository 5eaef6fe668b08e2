import { PERCENTILE_OPERATORS } from '../accumulators/percentiles.js';
import { ARRAY_OPERATORS } from './arrays.js';
import { COMPARISON_OPERATORS } from './comparisons.js';
import { CONDITION_OPERATORS } from './conditions.js';
import { CONVERSION_OPERATORS } from './conversions.js';
import { DATE_ARITHMETIC_OPERATORS } from './date-arithmetic.js';
import { DATE_PART_OPERATORS } from './date-parts.js';
import { DATE_TEXT_OPERATORS } from './date-text.js';
import { NUMBER_OPERATORS } from './numbers.js';
import { OBJECT_OPERATORS } from './objects.js';
import type { Operators } from './operator.js';
import { PATTERN_OPERATORS } from './patterns.js';
import { SET_OPERATORS } from './sets.js';
import { SIZE_OPERATORS } from './sizes.js';
import { STRING_POSITION_OPERATORS } from './string-positions.js';
import { STRING_OPERATORS } from './strings.js';
import { TOTAL_OPERATORS } from './totals.js';
import { TYPE_OPERATORS } from './types.js';
import { VARIABLE_OPERATORS } from './variables.js';

/** Every operator of expressions that is ours, by name. */
export const OWN_OPERATORS: Operators = {
  ...ARRAY_OPERATORS,
  ...COMPARISON_OPERATORS,
  ...CONDITION_OPERATORS,
  ...CONVERSION_OPERATORS,
  ...DATE_ARITHMETIC_OPERATORS,
  ...DATE_PART_OPERATORS,
  ...DATE_TEXT_OPERATORS,
  ...NUMBER_OPERATORS,
  ...OBJECT_OPERATORS,
  ...PATTERN_OPERATORS,
  ...PERCENTILE_OPERATORS,
  ...SET_OPERATORS,
  ...SIZE_OPERATORS,
  ...STRING_OPERATORS,
  ...STRING_POSITION_OPERATORS,
  ...TOTAL_OPERATORS,
  ...TYPE_OPERATORS,
  ...VARIABLE_OPERATORS,
};
