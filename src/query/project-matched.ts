import { JdbxError } from '../base/errors.js';
import type { Project } from './contract.js';
import { readFilter } from './filter.js';
import { matchedPosition } from './matched-position.js';
import { ownValue, splitPath } from './paths.js';
import { thaw } from './thaw.js';

type Compile = (projection: Record<string, unknown>) => Project;

/** Handles `array.$`: the array is included whole, then cut to the element that the filter matched. */
export function projectMatched(
  projection: Record<string, unknown>,
  filter: unknown,
  compile: Compile,
): Project {
  const positional = Object.keys(projection).filter((path) => path.endsWith('.$'));
  const [path] = positional;
  if (path === undefined) return compile(projection);
  if (positional.length > 1) refuse(path, 'expected one positional path, got more');
  const arrayPath = path.slice(0, -2);
  const { [path]: wanted, ...rest } = projection;
  if (typeof wanted !== 'number' && wanted !== true) refuse(path, 'expected 1 or true');
  const project = compile({ ...rest, [arrayPath]: wanted });
  const { node } = readFilter(filter);
  return (document) => {
    const projected = thaw(project(document));
    if (!Array.isArray(splitPath(arrayPath).reduce<unknown>(ownValue, document))) return projected;
    const at = matchedPosition(document, node);
    if (at === undefined) refuse(path, 'the filter says nothing of an element of this array');
    return keepOnly(projected, splitPath(arrayPath), at);
  };
}

function keepOnly<T>(document: T, path: readonly string[], at: number): T {
  let holder = document as Record<string, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  const last = path.at(-1) as string;
  holder[last] = [(holder[last] as unknown[])[at]];
  return document;
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_FILTER', text, { path: `projection.${path}` });
}
