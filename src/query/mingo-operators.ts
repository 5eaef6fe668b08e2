import { createRequire } from 'node:module';
import type { Context } from 'mingo/core';
import type { Options } from 'mingo/types';
import type { Operator, Operators, Scope } from './expressions/operator.js';
import { OWN_OPERATORS } from './expressions/operators.js';
import { DocumentScope } from './expressions/scope.js';

/**
 * Reads one of mingo's modules. They are 300 files, a fifth of what importing this package took,
 * for six operators that few stores name: so they are read at the first use, which cannot wait.
 */
export const readMingo = createRequire(import.meta.url);

/** Operators of expressions that we leave to mingo. */
const NAMES = ['$rand', '$sampleRate', '$toHashedIndexKey'];

/** An operator of mingo's, by its most general shape: what it takes differs from kind to kind. */
export type MingoOperator = (...args: never[]) => unknown;
export type MingoOperators = Readonly<Record<string, MingoOperator>>;

/** Operators that would run code handed in as data. */
const SCRIPTS = new Set(['$function', '$accumulator', '$where']);

/** The operators of a mingo module that may be used here, by name. */
export function operatorsOf(module: object): MingoOperators {
  return Object.fromEntries(
    Object.entries(module).filter(([name]) => name.startsWith('$') && !SCRIPTS.has(name)),
  );
}

/** What mingo hands an operator of ours beside the document. */
type Bound = Options & {
  readonly now?: Date;
  readonly local?: { readonly root?: unknown; readonly variables?: Record<string, unknown> };
};

/** Every operator of expressions: ours, and mingo's where we have none. */
export const EXPRESSION_OPERATORS: Operators = {
  ...Object.fromEntries(NAMES.map((name) => [name, fromMingo(name)])),
  ...OWN_OPERATORS,
};

function fromMingo(name: string): Operator {
  return {
    check: () => {},
    run: (operand: unknown, scope: Scope) => {
      const { root, variables } = scope as DocumentScope;
      const options = makeOptions(makeContext(), { variables: variables as never });
      const run = readMingo('mingo/operators/expression')[name] as MingoOperator;
      return run(root as never, operand as never, options as never);
    },
  };
}

/** Our operators as mingo's stages call them. */
const FOR_MINGO: MingoOperators = Object.fromEntries(
  Object.entries(EXPRESSION_OPERATORS).map(([name, operator]) => [
    name,
    ((document: unknown, operand: unknown, options: Bound) =>
      operator.run(operand, scopeOf(document, options))) as MingoOperator,
  ]),
);

function scopeOf(document: unknown, options: Bound): DocumentScope {
  const { root = document, variables } = options.local ?? {};
  return new DocumentScope(
    root,
    { ...options.variables, ...variables },
    { operators: EXPRESSION_OPERATORS, now: options.now?.getTime() ?? Date.now() },
  );
}

/** Operators are a value here, not a registry that imports fill. */
export function makeContext(more: Readonly<Record<string, MingoOperators>> = {}): Context {
  const accumulator = operatorsOf(readMingo('mingo/operators/accumulator'));
  return readMingo('mingo/core').Context.init({ expression: FOR_MINGO, accumulator, ...more });
}

/** Options for every call into mingo: code never runs, inputs are never cloned nor changed. */
export function makeOptions(context: Context, more: Partial<Options> = {}): Options {
  return {
    idKey: '_id',
    processingMode: 0,
    useStrictMode: true,
    scriptEnabled: false,
    failOnError: true,
    ...more,
    context,
  };
}
