import { isPlainObject } from '../base/values.js';
import { refuse, type Scope } from './expressions/operator.js';
import { checkFieldPath } from './field-paths.js';
import { ownValue } from './paths.js';

/** What happens to one field of a document that is given a new shape. */
export type Shape =
  | { readonly kind: 'include' }
  | { readonly kind: 'exclude' }
  | { readonly kind: 'compute'; readonly expression: unknown }
  | { readonly kind: 'edit'; readonly edit: (value: unknown, scope: Scope) => unknown }
  | ShapeTree;

export interface ShapeTree {
  readonly kind: 'tree';
  readonly fields: Map<string, Shape>;
}

/**
 * Reads an object of paths, nested objects included, into a tree.
 *
 * @param leaf what a value at a path means; undefined for an object of further paths
 */
export function readShape(
  spec: Readonly<Record<string, unknown>>,
  place: string,
  leaf: (value: unknown, path: string) => Shape | undefined,
): ShapeTree {
  const root: ShapeTree = { kind: 'tree', fields: new Map() };
  const enter = (object: Readonly<Record<string, unknown>>, base: readonly string[]) => {
    for (const [path, value] of Object.entries(object)) {
      checkFieldPath(path, `${place}.${path}`);
      if (base.length > 0 && path.includes('.'))
        refuse(place, 'names without dots inside objects', path);
      const parts = [...base, ...path.split('.')];
      const shape = leaf(value, parts.join('.'));
      if (shape) put(root, parts, shape, place);
      else if (Object.keys(value as object).length === 0)
        refuse(place, 'fields inside', `none at ${path}`);
      else enter(value as Record<string, unknown>, parts);
    }
  };
  enter(spec, []);
  return root;
}

function put(root: ShapeTree, parts: readonly string[], shape: Shape, place: string): void {
  let node = root;
  for (const part of parts.slice(0, -1)) {
    const next = node.fields.get(part) ?? { kind: 'tree', fields: new Map() };
    if (next.kind !== 'tree')
      refuse(`${place}.${parts.join('.')}`, 'a path that collides with no other', 'one that does');
    node.fields.set(part, next);
    node = next;
  }
  const last = parts.at(-1) as string;
  if (node.fields.has(last))
    refuse(`${place}.${parts.join('.')}`, 'a path that collides with no other', 'one that does');
  node.fields.set(last, shape);
}

/** Whether something is made where nothing was. */
function makes(shape: Shape): boolean {
  return (
    shape.kind === 'compute' || (shape.kind === 'tree' && [...shape.fields.values()].some(makes))
  );
}

/** Keeps what the tree includes, and adds what it computes. */
export function including(tree: ShapeTree, value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => including(tree, item, scope)).filter((item) => item !== undefined);
  }
  if (!isPlainObject(value)) return makes(tree) ? computed(tree, {}, {}, scope) : undefined;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const shape = tree.fields.get(key);
    if (shape) assign(out, key, kept(shape, value[key], scope));
  }
  return computed(tree, value, out, scope);
}

function kept(shape: Shape, value: unknown, scope: Scope): unknown {
  if (shape.kind === 'include') return value;
  if (shape.kind === 'edit') return shape.edit(value, scope);
  return shape.kind === 'tree' ? including(shape, value, scope) : undefined;
}

function computed(
  tree: ShapeTree,
  value: Readonly<Record<string, unknown>>,
  out: Record<string, unknown>,
  scope: Scope,
): Record<string, unknown> {
  for (const [key, shape] of tree.fields) {
    if (shape.kind === 'compute') assign(out, key, scope.value(shape.expression));
    else if (shape.kind === 'tree' && !Object.hasOwn(value, key) && makes(shape))
      assign(out, key, including(shape, undefined, scope));
  }
  return out;
}

/** Keeps all but what the tree leaves out. */
export function excluding(tree: ShapeTree, value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((item) => excluding(tree, item, scope));
  if (!isPlainObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value))
    assign(out, key, left(tree.fields.get(key), value[key], scope));
  return out;
}

function left(shape: Shape | undefined, value: unknown, scope: Scope): unknown {
  if (!shape || shape.kind === 'include') return value;
  if (shape.kind === 'tree') return excluding(shape, value, scope);
  return shape.kind === 'edit' ? shape.edit(value, scope) : undefined;
}

/** Sets what the tree computes; what stands in the way becomes an object, arrays element by element. */
export function setting(tree: ShapeTree, value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((item) => setting(tree, item, scope));
  const out: Record<string, unknown> = isPlainObject(value) ? { ...value } : {};
  for (const [key, shape] of tree.fields) {
    if (shape.kind === 'compute') assign(out, key, scope.value(shape.expression));
    else if (shape.kind === 'tree') assign(out, key, setting(shape, ownValue(out, key), scope));
  }
  return out;
}

/** The name `__proto__` is a field like any other here, never the prototype. */
function assign(out: Record<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) delete out[key];
  else if (key === '__proto__') Object.defineProperty(out, key, { ...FIELD, value });
  else out[key] = value;
}

const FIELD = { configurable: true, enumerable: true, writable: true } as const;
