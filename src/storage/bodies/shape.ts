import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';

/**
 * The field names of documents that look alike, stored once: `[type, fields]`, where a field
 * is its name, or `[name, fields]` for an object within. Part of the stored format.
 */
export type ShapeDefinition = readonly [type: string, fields: readonly ShapeField[]];
export type ShapeField = string | readonly [name: string, fields: readonly ShapeField[]];

/** Makes a frozen document of an id, a revision and the values from `at` on in `list`. */
export type Build = (id: string, rev: number, list: readonly unknown[]) => Document;

/** Where a body's values begin (`bodies.ts`). */
export const VALUES_AT = 4;

export interface Shape {
  /** From 1 on; 0 in a body says that there is none. */
  readonly number: number;
  readonly definition: ShapeDefinition;
  readonly valueCount: number;
  readonly build: Build;
}

/** @throws {JdbxError} STORE_CORRUPT for what is no definition */
export function makeShape(number: number, definition: ShapeDefinition): Shape {
  checkDefinition(number, definition);
  const [type, fields] = definition;
  return {
    number,
    definition,
    valueCount: countValues(fields),
    build: compile(type, fields) ?? interpret(type, fields),
  };
}

function checkDefinition(number: number, definition: unknown): void {
  if (Array.isArray(definition) && definition.length === 2 && areFields(definition[1])) return;
  throw new JdbxError('STORE_CORRUPT', `expected the field names of shape ${number} in the store`);
}

function areFields(fields: unknown): boolean {
  return Array.isArray(fields) && fields.every(isField);
}

function isField(field: unknown): boolean {
  if (!Array.isArray(field)) return isName(field);
  return field.length === 2 && isName(field[0]) && areFields(field[1]);
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name !== '__proto__';
}

function countValues(fields: readonly ShapeField[]): number {
  return fields.reduce(
    (sum, field) => sum + (typeof field === 'string' ? 1 : countValues(field[1])),
    0,
  );
}

/** An object literal, which the engine makes at once: several times as fast as field by field. */
function compile(type: string, fields: readonly ShapeField[]): Build | undefined {
  let at = VALUES_AT;
  const literal = (each: readonly ShapeField[]): string =>
    each
      .map((field) =>
        typeof field === 'string'
          ? `${JSON.stringify(field)}:list[${at++}]`
          : `${JSON.stringify(field[0])}:freeze({${literal(field[1])}})`,
      )
      .join();
  const source = `_id:id,_type:${JSON.stringify(type)},_rev:rev,${literal(fields)}`;
  try {
    const make = new Function('freeze', `return (id,rev,list)=>freeze({${source}})`);
    return make(Object.freeze) as Build;
  } catch {
    // Node may be told to make no code out of texts.
    return undefined;
  }
}

function interpret(type: string, fields: readonly ShapeField[]): Build {
  return (_id, _rev, list) => {
    let at = VALUES_AT;
    const fill = (into: Record<string, unknown>, each: readonly ShapeField[]): object => {
      for (const field of each) {
        if (typeof field === 'string') into[field] = list[at++];
        else into[field[0]] = fill({}, field[1]);
      }
      return Object.freeze(into);
    };
    return fill({ _id, _type: type, _rev }, fields) as Document;
  };
}
