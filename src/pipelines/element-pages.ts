import { isPlainObject, type Value, type ValueObject } from '../base/values.js';
import type { RunServices } from './contract.js';

/** What a map's query says. */
export interface ElementQuery {
  readonly filter?: Value;
  /** Documents at most. Default: all. */
  readonly limit?: number;
}

export interface Page {
  /** 0, 1, 2 … */
  readonly number: number;
  readonly ids: readonly string[];
}

/** Each page is one small commit before its elements. */
const PAGE_LENGTH = 500;

/**
 * The ids that a query finds, in their order, some at a time. Each page is remembered with
 * the run before it is given, so the same documents come in the same places after a crash.
 */
export async function* pagesOf(
  run: RunServices,
  path: string,
  { filter, limit = Number.POSITIVE_INFINITY }: ElementQuery,
): AsyncGenerator<Page> {
  let last: string | undefined;
  for (let number = 0, count = 0; count < limit; number++) {
    const length = Math.min(PAGE_LENGTH, limit - count);
    const after = last;
    const page = await run.remember(`${path}/${number}`, () =>
      run.idsAfter(filter ?? {}, after, length),
    );
    const ids = page as readonly string[];
    if (ids.length > 0) yield { number, ids };
    if (ids.length < length) return;
    last = ids.at(-1);
    count += ids.length;
  }
}

/** A filter whose `$` texts outside `$expr` are expressions over the context. */
export function filterOf(filter: Value | undefined, evaluate: (text: string) => Value): Value {
  if (typeof filter === 'string') return filter.startsWith('$') ? evaluate(filter) : filter;
  if (Array.isArray(filter)) return filter.map((each) => filterOf(each as Value, evaluate));
  if (!isPlainObject(filter)) return filter ?? {};
  const entries = Object.entries(filter as ValueObject).map(([key, value]) => [
    key,
    key === '$expr' ? value : filterOf(value, evaluate),
  ]);
  return Object.fromEntries(entries) as Value;
}
