import type { CallHost } from './cursor.js';
import type { Intrinsics } from './intrinsics.js';

/** Defines the host functions as frozen globals: `db.get`, `llm.call`, `checkpoint`. */
export function defineHostObjects(
  { freeze, defineProperty, includes, slice }: Intrinsics,
  names: readonly string[],
  callHost: CallHost,
  query: unknown,
): void {
  const objects: Record<string, Record<string, unknown>> = { __proto__: null } as never;
  objects.db = {};

  function plainCall(name: string) {
    return freeze((...args: unknown[]) => callHost(name, args));
  }
  function place(name: string): void {
    const member = name === 'db.query' ? freeze(query) : plainCall(name);
    if (!includes(name, '.')) {
      defineGlobal(name, member);
      return;
    }
    let dot = 0;
    while (name[dot] !== '.') dot++;
    const owner = slice(name, 0, dot);
    objects[owner] ??= {};
    (objects[owner] as Record<string, unknown>)[slice(name, dot + 1)] = member;
  }
  function defineGlobal(name: string, value: unknown): void {
    // Configurable, so that a script may still declare a variable of that name.
    const property = { __proto__: null, value, configurable: true, enumerable: true };
    defineProperty(globalThis, name, property as PropertyDescriptor);
  }

  for (let index = 0; index < names.length; index++) place(names[index] as string);
  for (const name in objects) defineGlobal(name, freeze(objects[name]));
}
