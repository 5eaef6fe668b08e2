import { JdbxError } from '../base/errors.js';
import { isPlainObject, type Value } from '../base/values.js';
import { isPosition, ownValue, type Segments } from './paths.js';

/** One value a path; a missing one is `undefined`. */
export type KeyTuple = readonly (Value | undefined)[];

export interface ExpandedKeys {
  /** At least one. */
  readonly tuples: readonly KeyTuple[];
  /** True when an array was opened to get them. */
  readonly multikey: boolean;
  /** True when at least one of the paths exists. */
  readonly present: boolean;
}

/**
 * The key tuples that a document has under some paths, as MongoDB makes them:
 * an array gives one tuple for each element; paths through the same array of
 * objects stay together, element by element; an empty array counts as missing.
 *
 * @param keepEmpty whether an empty array at the end of a path is its own key instead
 * @throws {JdbxError} INVALID_DOCUMENT when two paths meet different arrays
 */
export function expandKeys(
  document: unknown,
  paths: readonly Segments[],
  keepEmpty = false,
): ExpandedKeys {
  const expansion = new Expansion(paths, keepEmpty);
  expansion.expand(paths.map(() => ({ node: document, at: 0, whole: false })));
  return expansion;
}

/** How far one path has been followed. `whole` marks an element, which is not opened again. */
interface Trail {
  readonly node: unknown;
  readonly at: number;
  readonly whole: boolean;
}

class Expansion implements ExpandedKeys {
  readonly tuples: KeyTuple[] = [];
  multikey = false;
  present = false;
  readonly #paths: readonly Segments[];
  readonly #keepEmpty: boolean;

  constructor(paths: readonly Segments[], keepEmpty: boolean) {
    this.#paths = paths;
    this.#keepEmpty = keepEmpty;
  }

  expand(trails: readonly Trail[]): void {
    const advanced = trails.map((trail, field) => advance(trail, this.#paths[field] as Segments));
    const open = advanced.findIndex(isOpen);
    if (open < 0) this.#add(advanced);
    else this.#openArray(advanced, open);
  }

  #add(trails: readonly Trail[]): void {
    if (trails.some((trail) => trail.node !== undefined)) this.present = true;
    this.tuples.push(trails.map((trail) => trail.node as Value | undefined));
  }

  #openArray(trails: readonly Trail[], open: number): void {
    this.multikey = true;
    const joined = trails.map(
      (trail, field) => isOpen(trail) && this.#meetsAt(trails, open, field),
    );
    const array = (trails[open] as Trail).node as readonly unknown[];
    if (array.length === 0) this.present = true;
    for (const item of array.length === 0 ? [undefined] : array) {
      this.expand(
        trails.map((trail, field) =>
          joined[field] ? this.#enter(trail, item, this.#paths[field] as Segments) : trail,
        ),
      );
    }
  }

  #enter(trail: Trail, item: unknown, path: Segments): Trail {
    const empty = Array.isArray(trail.node) && trail.node.length === 0;
    return this.#keepEmpty && empty && trail.at === path.length
      ? { ...trail, whole: true }
      : enter(trail, item, path);
  }

  /** Two open paths must have met the same array, or the keys would be every pair of elements. */
  #meetsAt(trails: readonly Trail[], open: number, field: number): boolean {
    const at = (trails[open] as Trail).at;
    const [left, right] = [this.#paths[open] as Segments, this.#paths[field] as Segments];
    const same =
      at === (trails[field] as Trail).at &&
      left.slice(0, at).join('.') === right.slice(0, at).join('.');
    if (!same) {
      throw new JdbxError('INVALID_DOCUMENT', `cannot index parallel arrays: ${left.join('.')}`, {
        path: right.join('.'),
      });
    }
    return true;
  }
}

function isOpen(trail: Trail): boolean {
  return Array.isArray(trail.node) && !trail.whole;
}

/** Follows a path through objects, and array positions it names, to its end or to an array. */
function advance(trail: Trail, path: Segments): Trail {
  let { node, at } = trail;
  for (; at < path.length; at++) {
    const segment = path[at] as string;
    if (!Array.isArray(node)) node = ownValue(node, segment);
    else if (isPosition(segment) && !ownedBySome(node, segment)) node = node[Number(segment)];
    else break;
  }
  return { node, at, whole: trail.whole && at === trail.at };
}

function ownedBySome(array: readonly unknown[], key: string): boolean {
  return array.some((item) => isPlainObject(item) && Object.hasOwn(item, key));
}

/** An element at the end of a path is a value; before the end, only objects lead on. */
function enter(trail: Trail, item: unknown, path: Segments): Trail {
  if (trail.at === path.length) return { node: item, at: trail.at, whole: true };
  return isPlainObject(item)
    ? { node: item, at: trail.at, whole: false }
    : { node: undefined, at: path.length, whole: true };
}
