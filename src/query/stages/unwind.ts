import { isPlainObject } from '../../base/values.js';
import { describe, namesChecker, refuse } from '../expressions/operator.js';
import { checkFieldPath } from '../field-paths.js';
import { ownValue, splitPath } from '../paths.js';
import type { Document, Stage } from './stage.js';

const NAME = '$unwind';
const checkNames = namesChecker(NAME, ['path!', 'includeArrayIndex', 'preserveNullAndEmptyArrays']);

interface Unwind {
  readonly path: readonly string[];
  readonly index: readonly string[] | undefined;
  readonly preserve: boolean;
}

/** One document for each element of an array. */
export const unwind: Stage = {
  check: (operand) => void read(operand),
  run: function* (documents, operand) {
    const spec = read(operand);
    for (const document of documents) yield* unwound(document as Document, spec);
  },
};

function* unwound(document: Document, { path, index, preserve }: Unwind): Iterable<Document> {
  const value = path.reduce(ownValue, document as unknown);
  const at = (result: Document, position: number | null) =>
    index ? withValue(result, index, position) : result;
  if (!Array.isArray(value)) {
    const nothing = value === null || value === undefined;
    if (!nothing || preserve) yield at(document, null);
  } else if (value.length > 0) {
    for (const [position, item] of value.entries()) {
      yield at(withValue(document, path, item), position);
    }
  } else if (preserve) yield at(without(document, path), null);
}

/** A copy with another value at a path; objects on the way are copied. */
export function withValue(document: Document, path: readonly string[], value: unknown): Document {
  const [first, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) return { ...document, [first]: value };
  const inner = ownValue(document, first);
  return { ...document, [first]: withValue(isPlainObject(inner) ? inner : {}, rest, value) };
}

function without(document: Document, path: readonly string[]): Document {
  const [first, ...rest] = path as [string, ...string[]];
  const { [first]: inner, ...others } = document;
  if (rest.length === 0) return others;
  return { ...document, [first]: without(inner as Document, rest) };
}

function read(operand: unknown): Unwind {
  const args = typeof operand === 'string' ? { path: operand } : checkNames(operand);
  const {
    path,
    includeArrayIndex: index,
    preserveNullAndEmptyArrays: preserve = false,
  } = args as Record<string, unknown>;
  if (typeof path !== 'string' || !path.startsWith('$'))
    refuse(NAME, 'a path that starts with $', describe(path));
  checkFieldPath(path.slice(1), NAME);
  if (typeof preserve !== 'boolean') refuse(NAME, 'true or false', describe(preserve));
  if (index !== undefined) checkFieldPath(index, NAME);
  return {
    path: splitPath(path.slice(1)),
    index: index === undefined ? undefined : splitPath(index as string),
    preserve,
  };
}
