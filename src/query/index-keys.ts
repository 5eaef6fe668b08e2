import { JdbxError } from '../base/errors.js';
import { encodeKey, KeyWriter, writeField } from '../base/key-bytes.js';
import type { Value } from '../base/values.js';
import type { IndexDefinition } from './contract.js';
import { expandKeys, type KeyTuple } from './expand-keys.js';
import { compileFilter } from './filter.js';
import { collated } from './index-kinds/collation.js';
import { checkPlane, checkSphere } from './index-kinds/geometry.js';
import { type Wildcard, wildcardPairs } from './index-kinds/wildcard.js';
import { ownValue, type Segments, someAtPath, splitPath } from './paths.js';

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
  return keyMaker(definition).make(document);
}

/** Where keys go that nobody keeps. */
export interface KeySink {
  /** The first `length` of `bytes`, which are written over by the next key. */
  key(bytes: Uint8Array, length: number): void;
}

/**
 * The same, without an object for each key.
 *
 * @returns whether an array gave the keys
 * @throws {JdbxError} as `indexKeys`
 */
export function writeIndexKeys(
  definition: IndexDefinition,
  document: unknown,
  to: KeySink,
): boolean {
  return keyMaker(definition).write(document, to);
}

interface KeyMaker {
  make(document: unknown): IndexKeys;
  write(document: unknown, to: KeySink): boolean;
}

type MakeKeys = KeyMaker['make'];
const makers = new WeakMap<IndexDefinition, KeyMaker>();

function keyMaker(definition: IndexDefinition): KeyMaker {
  let maker = makers.get(definition);
  if (!maker) {
    const make = makeKeyMaker(definition);
    maker = { make, write: quickWriter(definition, make) ?? writerOf(make) };
    makers.set(definition, maker);
  }
  return maker;
}

function makeKeyMaker(definition: IndexDefinition): MakeKeys {
  const make = makeKeysOfKind(definition);
  if (!definition.partial) return make;
  const covers = compileFilter(definition.partial);
  return (document) => (covers(document) ? make(document) : NONE);
}

function makeKeysOfKind(definition: IndexDefinition): MakeKeys {
  switch (definition.kind) {
    case 'text':
      return () => NONE;
    case 'geo':
      return geometryChecker(definition);
    case 'wildcard':
      return wildcardKeys(definition.wildcard as Wildcard);
    default:
      return fieldKeys(definition);
  }
}

function fieldKeys(definition: IndexDefinition): MakeKeys {
  const paths = definition.fields.map((field) => splitPath(field.path));
  const directions = definition.fields.map((field) => field.direction);
  const { collation } = definition;
  const fold = (tuple: KeyTuple): KeyTuple =>
    collation ? tuple.map((value) => collated(value, collation)) : tuple;
  return (document) => {
    const plain = plainTuple(document, paths);
    if (plain) {
      if (definition.sparse && plain.every((value) => value === undefined)) return NONE;
      return { keys: [encodeKey(fold(plain), directions)], multikey: false };
    }
    const { tuples, multikey, present } = expandKeys(document, paths, definition.unique);
    if (definition.sparse && !present) return NONE;
    if (multikey && definition.kind === 'hashed') refuseArray(definition);
    return { keys: distinctKeys(tuples.map(fold), directions), multikey };
  };
}

function writerOf(make: MakeKeys): KeyMaker['write'] {
  return (document, to) => {
    const { keys, multikey } = make(document);
    for (const key of keys) to.key(key, key.length);
    return multikey;
  };
}

const writer = new KeyWriter();
/** Of so many texts in an array each is compared with those before it. */
const TEXTS_MAX = 32;

/** For the common index: of top-level fields, with all documents in it. */
function quickWriter(definition: IndexDefinition, make: MakeKeys): KeyMaker['write'] | undefined {
  const { fields, kind, sparse, partial, collation } = definition;
  const names = fields.map(({ path }) => path);
  const isPlain = names.every((name) => splitPath(name).length === 1);
  if (kind !== 'ordered' || sparse || partial || collation || !isPlain) return undefined;
  const directions = fields.map(({ direction }) => direction);
  const slowly = writerOf(make);
  return (document, to) => {
    writer.reset();
    for (let at = 0; at < names.length; at++) {
      const value = ownValue(document, names[at] as string);
      const direction = directions[at] as 1 | -1;
      if (!Array.isArray(value)) writeField(writer, value as Value | undefined, direction);
      else if (names.length > 1 || !areFewTexts(value)) return slowly(document, to);
      else return writeTexts(value, direction, to);
    }
    to.key(writer.bytes, writer.end);
    return false;
  };
}

function areFewTexts(values: readonly unknown[]): values is readonly string[] {
  if (values.length === 0 || values.length > TEXTS_MAX) return false;
  return values.every((value) => typeof value === 'string');
}

function writeTexts(texts: readonly string[], direction: 1 | -1, to: KeySink): true {
  for (let at = 0; at < texts.length; at++) {
    if (texts.indexOf(texts[at] as string) < at) continue;
    writer.reset();
    writeField(writer, texts[at], direction);
    to.key(writer.bytes, writer.end);
  }
  return true;
}

function refuseArray({ fields }: IndexDefinition): never {
  const path = fields.map((field) => field.path).join(', ');
  throw new JdbxError('INVALID_DOCUMENT', 'a hashed index holds no arrays', { path });
}

/**
 * The path leads the key, so that the values of one path lie together. Fields named beside
 * the wildcard add no keys: what they bound is found by the values that it holds.
 */
function wildcardKeys(wildcard: Wildcard): MakeKeys {
  const directions = [1, wildcard.direction] as const;
  return (document) => {
    const pairs = wildcardPairs(wildcard, document);
    return { keys: distinctKeys(pairs, directions), multikey: true };
  };
}

/** No key, but no document with something else than a geometry either. */
function geometryChecker({ fields, bounds = [-180, 180] }: IndexDefinition): MakeKeys {
  const checked = fields.filter(({ special }) => special !== undefined);
  return (document) => {
    for (const { path, special } of checked) {
      someAtPath(document, splitPath(path), false, (value) => {
        if (special === '2d') checkPlane(value, path, ...bounds);
        else checkSphere(value, path);
        return false;
      });
    }
    return NONE;
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
