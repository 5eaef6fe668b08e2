import { typeName } from '../type-names.js';
import { isNil, listed, type Operators } from './operator.js';

const LITERAL = {
  check: () => {},
  run: (operand: unknown) => operand,
};

/** What a value is. JSON has one number: it is an int when it fits 32 bits, else a long or a double. */
export const TYPE_OPERATORS: Operators = {
  $literal: LITERAL,
  $const: LITERAL,
  $type: listed('$type', 1, ([value]) => typeName(value)),
  $isNumber: listed('$isNumber', 1, ([value]) => !isNil(value) && typeof value === 'number'),
};
