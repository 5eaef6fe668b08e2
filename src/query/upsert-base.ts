import type { Value, ValueObject } from '../base/values.js';
import { readFilter } from './filter.js';
import { conjuncts } from './filter-node.js';
import { ownValue, pathsOverlap, splitPath } from './paths.js';
import { refuseUpdate } from './update-operators.js';

/**
 * The document that an upsert starts from: the fields that the filter holds to
 * one value, alone or inside `$and`.
 *
 * @throws {JdbxError} INVALID_UPDATE when two of them contradict each other, INVALID_FILTER
 */
export function upsertBase(filter: unknown): ValueObject {
  const document: Record<string, Value> = {};
  const paths: string[] = [];
  for (const node of conjuncts(readFilter(filter).node)) {
    const value = node.kind === 'test' ? heldValue(node.test) : undefined;
    if (node.kind !== 'test' || value === undefined) continue;
    const other = paths.find((path) => pathsOverlap(path, node.path));
    if (other !== undefined) refuseUpdate(node.path, `the filter also holds ${other} to a value`);
    paths.push(node.path);
    setPath(document, splitPath(node.path), value);
  }
  return document;
}

function heldValue(test: {
  op: string;
  value?: Value;
  values?: readonly Value[];
}): Value | undefined {
  if (test.op === 'eq') return test.value;
  return test.op === 'in' && test.values?.length === 1 ? test.values[0] : undefined;
}

function setPath(document: Record<string, Value>, path: readonly string[], value: Value): void {
  let holder = document;
  for (const key of path.slice(0, -1)) {
    const next = (ownValue(holder, key) ?? {}) as Record<string, Value>;
    holder[key] = next;
    holder = next;
  }
  holder[path.at(-1) as string] = value;
}
