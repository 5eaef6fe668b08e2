import type { Query, QueryHost } from './cursor.js';
import type { Intrinsics } from './intrinsics.js';

/** Gives host function number `index`: the engine's own, which the host answers. */
export type Member = (index: number) => (...args: unknown[]) => unknown;
type CreateQuery = (intrinsics: Intrinsics, ask: QueryHost) => Query;

/** Defines the host functions as frozen globals: `db.get`, `llm.call`, `checkpoint`. */
export function defineHostObjects(
  intrinsics: Intrinsics,
  names: readonly string[],
  member: Member,
  createQuery: CreateQuery,
): void {
  const { freeze, defineProperty, includes, slice } = intrinsics;
  const objects: Record<string, Record<string, unknown>> = { __proto__: null } as never;
  objects.db = {};

  function place(name: string, index: number): void {
    const plain = member(index);
    const value = freeze(name === 'db.query' ? createQuery(intrinsics, plain) : plain);
    if (!includes(name, '.')) {
      defineGlobal(name, value);
      return;
    }
    let dot = 0;
    while (name[dot] !== '.') dot++;
    const owner = slice(name, 0, dot);
    objects[owner] ??= {};
    (objects[owner] as Record<string, unknown>)[slice(name, dot + 1)] = value;
  }
  function defineGlobal(name: string, value: unknown): void {
    // Configurable, so that a script may still declare a variable of that name.
    const property = { __proto__: null, value, configurable: true, enumerable: true };
    defineProperty(globalThis, name, property as PropertyDescriptor);
  }

  for (let index = 0; index < names.length; index++) place(names[index] as string, index);
  for (const name in objects) defineGlobal(name, freeze(objects[name]));
}
