import { isPlainObject, type Value } from '../../base/values.js';
import { refuseIndex } from './refuse.js';

/** Which paths a wildcard index holds. */
export interface Wildcard {
  readonly direction: 1 | -1;
  /** `a.` for the key `a.$**`, empty for `$**`. */
  readonly prefix: string;
  /** Paths of `wildcardProjection`, with all below them; undefined without one. */
  readonly paths: readonly string[] | undefined;
  /** True when these are the only ones, false when they are left out. */
  readonly includes: boolean;
}

const WILD = '$**';

/** What every document has: other indexes hold it. */
const IDENTITY = new Set(['_id', '_type', '_rev']);

export function isWildcardPath(path: string): boolean {
  return path === WILD || path.endsWith(`.${WILD}`);
}

/** @throws {JdbxError} INVALID_INDEX at `wildcardProjection` */
export function readWildcard(
  { path, direction }: { readonly path: string; readonly direction: 1 | -1 },
  projection: unknown,
): Wildcard {
  const prefix = path.slice(0, -WILD.length);
  if (projection === undefined) return { direction, prefix, paths: undefined, includes: false };
  const place = 'wildcardProjection';
  if (!isPlainObject(projection) || Object.keys(projection).length === 0)
    refuseIndex(place, 'an object of paths', projection);
  if (prefix !== '') refuseIndex(place, `the key ${WILD}`, path);
  const all = Object.entries(projection).flatMap(([at, mode]) => flatten(at, mode));
  const modes = new Set(all.filter(([at]) => at !== '_id').map(([, mode]) => mode));
  if (modes.size > 1) refuseIndex(place, 'paths to include or to leave out', 'both');
  checkApart(all.map(([at]) => at));
  const includes = modes.size > 0 ? modes.has(true) : all.some(([, mode]) => mode);
  return {
    direction,
    prefix,
    paths: all.filter(([, m]) => m === includes).map(([at]) => at),
    includes,
  };
}

function flatten(path: string, mode: unknown): readonly (readonly [string, boolean])[] {
  if (isPlainObject(mode) && Object.keys(mode).length > 0)
    return Object.entries(mode).flatMap(([name, inner]) => flatten(`${path}.${name}`, inner));
  if (typeof mode !== 'number' && typeof mode !== 'boolean')
    refuseIndex(`wildcardProjection.${path}`, '1 or 0', mode);
  return [[path, Boolean(mode)]];
}

function checkApart(paths: readonly string[]): void {
  for (const path of paths)
    if (paths.some((other) => other !== path && isWithin(path, other)))
      refuseIndex(`wildcardProjection.${path}`, 'a path that collides with no other', path);
}

function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}.`);
}

/** True when the index holds a key for each value that documents have at the path. */
export function holdsPath({ prefix, paths, includes }: Wildcard, path: string): boolean {
  if (!path.startsWith(prefix) || path.length === prefix.length) return false;
  if (IDENTITY.has(path)) return false;
  return paths === undefined || paths.some((root) => isWithin(path, root)) === includes;
}

/**
 * Every leaf of a document as `[path, value]`, as the wildcard wants them: positions of
 * arrays are no part of a path; an object or array without anything in it is a leaf.
 */
export function wildcardPairs(
  wildcard: Wildcard,
  document: unknown,
): readonly (readonly [string, Value])[] {
  const pairs: [string, Value][] = [];
  const enter = (value: unknown, path: string, inArray: boolean): void => {
    if (isPlainObject(value) && Object.keys(value).length > 0) {
      for (const name of Object.keys(value))
        enter(value[name], path === '' ? name : `${path}.${name}`, false);
    } else if (Array.isArray(value) && value.length > 0 && !inArray) {
      for (const item of value) enter(item, path, true);
    } else if (holdsPath(wildcard, path)) {
      pairs.push([path, value as Value]);
    }
  };
  enter(document, '', false);
  return pairs;
}
