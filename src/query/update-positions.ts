import type { Value } from '../base/values.js';
import { isPlainObject } from '../base/values.js';
import { compileFilter, readFilter } from './filter.js';
import { matchedPosition } from './matched-position.js';
import { ownValue, splitPath } from './paths.js';
import { refuseUpdate, type UpdateOperators } from './update-operators.js';

interface PositionOptions {
  readonly filter?: unknown;
  readonly arrayFilters?: readonly unknown[] | undefined;
}

/**
 * Replaces `$`, `$[]` and `$[name]` in paths by the positions they stand for in
 * this document, so that what follows sees plain paths only.
 *
 * @throws {JdbxError} INVALID_UPDATE
 */
export function expandPositions(
  document: unknown,
  operators: UpdateOperators,
  options: PositionOptions,
): UpdateOperators {
  const expander = new Expander(document, options);
  const out: Record<string, Record<string, Value>> = {};
  for (const [operator, operands] of Object.entries(operators)) {
    out[operator] = {};
    for (const [path, operand] of Object.entries(operands)) {
      for (const concrete of expander.expand(path)) out[operator][concrete] = operand;
    }
  }
  expander.checkAllUsed();
  return out;
}

class Expander {
  readonly #document: unknown;
  readonly #filter: unknown;
  readonly #tests: ReadonlyMap<string, (element: unknown) => boolean>;
  readonly #used = new Set<string>();

  constructor(document: unknown, { filter, arrayFilters }: PositionOptions) {
    this.#document = document;
    this.#filter = filter;
    this.#tests = readArrayFilters(arrayFilters ?? []);
  }

  expand(path: string): readonly string[] {
    if (!path.includes('$')) return [path];
    if (splitPath(path).filter((part) => part === '$').length > 1)
      refuseUpdate(path, 'expected one $ in a path');
    let places: { path: string; node: unknown }[] = [{ path: '', node: this.#document }];
    for (const segment of splitPath(path)) {
      places = places.flatMap(({ path: base, node }) =>
        this.#steps(segment, base, node, path).map((step) => ({
          path: base === '' ? step : `${base}.${step}`,
          node: Array.isArray(node) ? node[Number(step)] : ownValue(node, step),
        })),
      );
    }
    return places.map((place) => place.path);
  }

  #steps(segment: string, base: string, node: unknown, path: string): readonly string[] {
    if (segment === '$') return [this.#matched(path)];
    const named = /^\$\[(.*)\]$/.exec(segment)?.[1];
    if (named === undefined) return [segment];
    if (!Array.isArray(node)) refuseUpdate(path, `expected an array at ${base}`);
    const test = named === '' ? () => true : this.#named(named, path);
    return node.flatMap((item, at) => (test(item) ? [String(at)] : []));
  }

  #matched(path: string): string {
    const at = matchedPosition(this.#document, readFilter(this.#filter ?? {}).node);
    if (at === undefined) refuseUpdate(path, 'the filter names no element of this array');
    return String(at);
  }

  #named(name: string, path: string): (element: unknown) => boolean {
    this.#used.add(name);
    const test = this.#tests.get(name);
    if (!test) refuseUpdate(path, `no array filter is named "${name}"`);
    return test;
  }

  checkAllUsed(): void {
    for (const name of this.#tests.keys()) {
      if (!this.#used.has(name)) refuseUpdate('arrayFilters', `"${name}" is used by no path`);
    }
  }
}

function readArrayFilters(
  filters: readonly unknown[],
): ReadonlyMap<string, (element: unknown) => boolean> {
  const tests = new Map<string, (element: unknown) => boolean>();
  for (const [at, filter] of filters.entries()) {
    const place = `arrayFilters.${at}`;
    const names = new Set(namesOf(filter));
    const [name] = names;
    if (name === undefined || names.size > 1)
      refuseUpdate(place, 'expected one name in each filter');
    if (!/^[a-z][A-Za-z0-9]*$/.test(name)) refuseUpdate(place, 'expected a name such as "item"');
    if (tests.has(name)) refuseUpdate(place, `"${name}" is named twice`);
    const test = compileFilter(filter);
    tests.set(name, (element) => test({ [name]: element }));
  }
  return tests;
}

function namesOf(filter: unknown): readonly string[] {
  if (!isPlainObject(filter)) return [];
  return Object.entries(filter).flatMap(([key, value]) =>
    key.startsWith('$') && Array.isArray(value)
      ? value.flatMap(namesOf)
      : [splitPath(key)[0] as string],
  );
}
