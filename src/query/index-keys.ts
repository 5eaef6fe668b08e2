import { encodeKey } from '../base/key-bytes.js';
import type { Value } from '../base/values.js';
import type { IndexDefinition } from './contract.js';
import { expandKeys, type KeyTuple } from './expand-keys.js';
import { compileFilter } from './filter.js';
import { ownValue, type Segments, splitPath } from './paths.js';

export interface IndexKeys {
  /** Distinct keys; none when a sparse or partial index leaves the document out. */
  readonly keys: readonly Uint8Array[];
  /** True when an array gave the keys; the index is then multikey from this document on. */
  readonly multikey: boolean;
}

const NONE: IndexKeys = { keys: [], multikey: false };

/**
 * The keys that a document has in an index.
 *
 * @throws {JdbxError} INVALID_DOCUMENT when a compound index meets two arrays
 */
export function indexKeys(definition: IndexDefinition, document: unknown): IndexKeys {
  return keyMaker(definition)(document);
}

type KeyMaker = (document: unknown) => IndexKeys;
const makers = new WeakMap<IndexDefinition, KeyMaker>();

function keyMaker(definition: IndexDefinition): KeyMaker {
  let maker = makers.get(definition);
  if (!maker) {
    maker = makeKeyMaker(definition);
    makers.set(definition, maker);
  }
  return maker;
}

function makeKeyMaker(definition: IndexDefinition): KeyMaker {
  const covers = definition.partial ? compileFilter(definition.partial) : () => true;
  const paths = definition.fields.map((field) => splitPath(field.path));
  const directions = definition.fields.map((field) => field.direction);
  return (document) => {
    if (!covers(document)) return NONE;
    const plain = plainTuple(document, paths);
    if (plain) {
      if (definition.sparse && plain.every((value) => value === undefined)) return NONE;
      return { keys: [encodeKey(plain, directions)], multikey: false };
    }
    const { tuples, multikey, present } = expandKeys(document, paths);
    if (definition.sparse && !present) return NONE;
    return { keys: distinctKeys(tuples, directions), multikey };
  };
}

/** The common case, top-level fields without arrays, without the expansion. */
function plainTuple(document: unknown, paths: readonly Segments[]): KeyTuple | undefined {
  const tuple: (Value | undefined)[] = [];
  for (const path of paths) {
    if (path.length > 1) return undefined;
    const value = ownValue(document, path[0] as string);
    if (Array.isArray(value)) return undefined;
    tuple.push(value as Value | undefined);
  }
  return tuple;
}

function distinctKeys(
  tuples: readonly KeyTuple[],
  directions: readonly (1 | -1)[],
): readonly Uint8Array[] {
  const keys = new Map<string, Uint8Array>();
  for (const tuple of tuples) {
    const key = encodeKey(tuple, directions);
    keys.set(Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1'), key);
  }
  return [...keys.values()];
}
