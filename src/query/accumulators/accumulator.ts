import { isPlainObject } from '../../base/values.js';
import { describe, refuse, type Scope } from '../expressions/operator.js';

/** Takes in the documents of one group or window, one at a time. */
export interface Running {
  add(scope: Scope): void;
  result(): unknown;
}

export interface Accumulator {
  /** Checks the operand as written. @throws {JdbxError} INVALID_EXPRESSION */
  readonly check: (operand: unknown) => void;
  readonly begin: (operand: unknown) => Running;
}

export type Accumulators = Readonly<Record<string, Accumulator>>;

/** An accumulator over the values of one expression, given all of them at the end. */
export function overValues(
  name: string,
  finish: (values: readonly unknown[], name: string) => unknown,
  take: (value: unknown, name: string) => boolean = () => true,
): Accumulator {
  return {
    check: () => {},
    begin: (operand) => {
      const values: unknown[] = [];
      return {
        add: (scope) => {
          const value = scope.value(operand);
          if (take(value, name)) values.push(value);
        },
        result: () => finish(values, name),
      };
    },
  };
}

/** An accumulator that keeps one value from document to document. */
export function folding<T>(
  start: () => T,
  step: (state: T, value: unknown) => T,
  finish: (state: T) => unknown,
): Accumulator {
  return {
    check: () => {},
    begin: (operand) => {
      let state = start();
      return {
        add: (scope) => {
          state = step(state, scope.value(operand));
        },
        result: () => finish(state),
      };
    },
  };
}

/** `{ $sum: 1 }` taken apart. */
export function readAccumulator(
  value: unknown,
  accumulators: Accumulators,
  place: string,
): { readonly accumulator: Accumulator; readonly operand: unknown } {
  const keys = isPlainObject(value) ? Object.keys(value) : [];
  const [name] = keys;
  if (name === undefined || keys.length > 1 || !Object.hasOwn(accumulators, name)) {
    refuse(place, 'an accumulator such as { $sum: 1 }', name ?? describe(value));
  }
  const accumulator = accumulators[name] as Accumulator;
  const operand = (value as Record<string, unknown>)[name];
  accumulator.check(operand);
  return { accumulator, operand };
}
