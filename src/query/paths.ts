import { isPlainObject } from '../base/values.js';

/** The parts of a dotted path. */
export type Segments = readonly string[];

/** Stands for the field named '' where a path without text means the value itself. */
export const EMPTY_NAME = '\0';

export function splitPath(path: string): Segments {
  return path === EMPTY_NAME ? [''] : path.split('.');
}

/** True for a path part that can name an array position. */
export function isPosition(segment: string): boolean {
  return /^(0|[1-9]\d*)$/.test(segment);
}

/** True when a part of the path may name an array position; such paths are never planned over an index. */
export function hasPosition(path: string): boolean {
  return splitPath(path).some(isPosition);
}

/** An own property of a plain object; anything else has none. */
export function ownValue(node: unknown, key: string): unknown {
  return isPlainObject(node) && Object.hasOwn(node, key) ? node[key] : undefined;
}

/** What documents are made of; a name found in none of these is an own one or missing. */
const PROTOTYPES = [Object, Date, Uint8Array, RegExp].map(({ prototype }) => prototype as object);

/**
 * `ownValue` for one name and what is no array. Where nothing can be inherited under that
 * name, plain access does, which is several times faster.
 */
export function fieldReader(key: string): (node: unknown) => unknown {
  if (!isPlainName(key)) return (node) => ownValue(node, key);
  return (node) =>
    typeof node === 'object' && node !== null
      ? (node as Readonly<Record<string, unknown>>)[key]
      : undefined;
}

/** Whether a name is found only where it is an own one of a document's object. */
export function isPlainName(key: string): boolean {
  return !isPosition(key) && !PROTOTYPES.some((prototype) => key in prototype);
}

/** True when one path leads to, or through, the other. */
export function pathsOverlap(left: string, right: string): boolean {
  return left === right || left.startsWith(`${right}.`) || right.startsWith(`${left}.`);
}

/**
 * Offers `accept` every value that a path reaches in a document, as MongoDB
 * does, until one is accepted. A path goes through each object of an array and
 * through the position that it names; a missing end is offered as `undefined`.
 *
 * @param leaves whether the elements of an array at the end are offered, before the array itself
 */
export function someAtPath(
  node: unknown,
  segments: Segments,
  leaves: boolean,
  accept: (value: unknown) => boolean,
  at = 0,
): boolean {
  if (at === segments.length) {
    return (leaves && Array.isArray(node) && node.some(accept)) || accept(node);
  }
  if (Array.isArray(node)) return someInArray(node, segments, leaves, accept, at);
  return someAtPath(
    ownValue(node, segments[at] as string),
    segments,
    leaves,
    accept,
    isPlainObject(node) ? at + 1 : segments.length,
  );
}

function someInArray(
  array: readonly unknown[],
  segments: Segments,
  leaves: boolean,
  accept: (value: unknown) => boolean,
  at: number,
): boolean {
  const segment = segments[at] as string;
  for (const item of array) {
    if (isPlainObject(item) && someAtPath(item, segments, leaves, accept, at)) return true;
  }
  if (!isPosition(segment) || Number(segment) >= array.length) return false;
  const item = array[Number(segment)];
  if (at + 1 < segments.length && (item === null || typeof item !== 'object')) return false;
  // What a position at the end names is one value: its own elements are not offered.
  const ends = at + 1 === segments.length;
  return someAtPath(item, segments, leaves && !ends, accept, at + 1);
}
