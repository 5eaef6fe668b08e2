import { isPlainObject } from '../base/values.js';
import { describe, refuse, type Scope } from './expressions/operator.js';
import { excluding, including, readShape, type Shape } from './shape.js';

export type ProjectDocument = (document: unknown, scope: Scope) => unknown;

/** What an operator of finds, such as `$slice`, makes of a path; undefined for none. */
export type ReadEdit = (value: Readonly<Record<string, unknown>>, path: string) => Edit | undefined;

export interface Edit {
  readonly shape: Shape;
  /** Whether the path counts as included, unless others are left out. */
  readonly includes: boolean;
}

/**
 * Compiles a projection: paths to include with what is computed beside them, or
 * paths to leave out. `_id` comes along unless it is left out.
 *
 * @throws {JdbxError} INVALID_EXPRESSION
 */
export function projectionOf(spec: unknown, place: string, readEdit?: ReadEdit): ProjectDocument {
  if (!isPlainObject(spec) || Object.keys(spec).length === 0)
    refuse(place, 'an object of paths', describe(spec));
  const modes = new Set<'include' | 'exclude'>();
  const note = (path: string, mode: 'include' | 'exclude') => {
    if (path === '_id') idMode = mode;
    else if (modes.add(mode).size > 1)
      refuse(`${place}.${path}`, 'paths to include or paths to leave out', 'both');
  };
  let soft = false;
  let idMode: 'include' | 'exclude' | undefined;
  const shape = readShape(spec, place, (value, path) => {
    if (value === undefined) refuse(place, '1 or 0', 'undefined');
    if (typeof value === 'number' || typeof value === 'boolean') {
      const kind = value === 0 || value === false ? 'exclude' : 'include';
      note(path, kind);
      return { kind };
    }
    if (isPlainObject(value)) {
      const [first] = Object.keys(value);
      if (!first?.startsWith('$')) return undefined;
      const edit = readEdit?.(value, path);
      if (edit) {
        soft ||= edit.includes;
        return edit.shape;
      }
    }
    note(path, 'include');
    return { kind: 'compute', expression: value };
  });
  const includes = modes.has('include') || (modes.size === 0 && (soft || idMode === 'include'));
  if (!includes) return (document, scope) => excluding(shape, document, scope);
  if (idMode === undefined && !shape.fields.has('_id'))
    shape.fields.set('_id', { kind: 'include' });
  return (document, scope) => idFirst(including(shape, document, scope));
}

/** The identity leads, wherever it stood. */
function idFirst(document: unknown): unknown {
  if (!isPlainObject(document) || !Object.hasOwn(document, '_id')) return document;
  return Object.keys(document)[0] === '_id' ? document : { _id: document._id, ...document };
}
