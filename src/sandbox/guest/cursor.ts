// biome-ignore-all lint/style/useTemplate: a guest could reach into template literals (see intrinsics.ts)
import type { Intrinsics } from './intrinsics.js';

/** The host's own `db.query`. */
export type QueryHost = (filter: unknown, options: object) => unknown;
export type Query = (filter?: unknown, options?: unknown) => unknown[];

/**
 * Makes `db.query`: it gives a cursor that reads nothing until it is used, and
 * is an array from then on. `sort`, `skip`, `limit` and `project` say what to
 * read; any other use of it as an array reads it, once.
 */
export function createQuery(
  { reflect, freeze, hasOwn, arraySort, GuestProxy, GuestError }: Intrinsics,
  askHost: QueryHost,
): Query {
  interface Shape {
    sort?: unknown;
    skip?: unknown;
    limit?: unknown;
    project?: unknown;
  }
  type ShapeKey = keyof Shape;

  function bareShape(options: unknown): Shape {
    const shape = { __proto__: null } as Shape;
    if (typeof options !== 'object' || options === null) return shape;
    const given = options as Shape;
    if (hasOwn(given, 'sort')) shape.sort = given.sort;
    if (hasOwn(given, 'skip')) shape.skip = given.skip;
    if (hasOwn(given, 'limit')) shape.limit = given.limit;
    if (hasOwn(given, 'project')) shape.project = given.project;
    return shape;
  }

  return function query(filter = {}, options = undefined) {
    const shape = bareShape(options);
    const items: unknown[] = [];
    let isRead = false;

    function ask(mode: string): unknown {
      return askHost(filter, { __proto__: null, ...shape, mode });
    }

    function read(): unknown[] {
      if (isRead) return items;
      const found = ask('toArray') as unknown[];
      isRead = true;
      for (let index = 0; index < found.length; index++) items[index] = found[index];
      return items;
    }

    function refine(key: ShapeKey, value: unknown): unknown {
      if (isRead) throw new GuestError(key + '() after the cursor was read; call it before');
      shape[key] = value;
      return cursor;
    }

    function sortRead(by: unknown): unknown {
      reflect.apply(arraySort, read(), [by]);
      return cursor;
    }

    // A null prototype: names that are not here must not be found on Object.prototype.
    const methods = freeze({
      __proto__: null,
      // Without a specification it is the array's own sort, with or without a comparator.
      sort: (by: unknown) =>
        typeof by === 'object' && by !== null ? refine('sort', by) : sortRead(by),
      skip: (count: unknown) => refine('skip', count),
      limit: (count: unknown) => refine('limit', count),
      project: (projection: unknown) => refine('project', projection),
      first: () => ask('first'),
      count: () => ask('count'),
      explain: () => ask('explain'),
      toArray: () => read(),
    }) as unknown as Record<PropertyKey, unknown>;

    const cursor: unknown[] = new GuestProxy(items, {
      __proto__: null,
      get(_, key) {
        if (hasOwn(methods, key)) return methods[key];
        // Looking for `then` is how `await` tells a promise; it must not read.
        if (key === 'then') return undefined;
        return reflect.get(read(), key);
      },
      set: (_, key, value) => reflect.set(read(), key, value),
      has: (_, key) => reflect.has(read(), key),
      ownKeys: () => reflect.ownKeys(read()),
      defineProperty: (_, key, descriptor) => reflect.defineProperty(read(), key, descriptor),
      deleteProperty: (_, key) => reflect.deleteProperty(read(), key),
      getOwnPropertyDescriptor: (_, key) => reflect.getOwnPropertyDescriptor(read(), key),
    } as ProxyHandler<unknown[]>);
    return cursor;
  };
}
