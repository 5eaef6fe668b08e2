/**
 * Strategy: random updates of a small world are applied to random documents, by us and by
 * a slow model that says what each operator means on plain copies. Paths lead through
 * objects only, and no two of one update overlap, so that each operator has one meaning.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareValues } from '#jdbx/base/order.js';
import type { Value } from '#jdbx/base/values.js';
import { applyUpdate } from '#jdbx/query/update.js';

type Fields = Record<string, unknown>;

const scalar = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -3, max: 5 }) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'b', 'ab') },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false) },
);
const list = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });
const body = fc.record(
  {
    s: scalar,
    n: fc.integer({ min: -5, max: 5 }),
    list,
    o: fc.record({ s: scalar, n: fc.integer({ min: -5, max: 5 }), list }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

const number = fc.integer({ min: -4, max: 4 });
const pushed = fc.oneof(
  scalar,
  fc.record(
    {
      $each: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
      $position: fc.integer({ min: -3, max: 6 }),
      $slice: fc.integer({ min: -4, max: 4 }),
      $sort: fc.constantFrom(1, -1),
    },
    { requiredKeys: ['$each'] },
  ),
);
/** What each kind of field can be changed by, with the operand. */
const CHANGES: Readonly<Record<string, fc.Arbitrary<readonly [string, unknown]>>> = {
  s: fc.oneof(
    ...['$set', '$min', '$max', '$unset'].map((name) => fc.tuple(fc.constant(name), scalar)),
  ),
  n: fc.oneof(
    ...['$inc', '$mul', '$min', '$max', '$set'].map((name) => fc.tuple(fc.constant(name), number)),
  ),
  list: fc.oneof(
    fc.tuple(fc.constant('$push'), pushed),
    fc.tuple(fc.constant('$addToSet'), fc.integer({ min: 0, max: 6 })),
    fc.tuple(fc.constant('$addToSet'), fc.record({ $each: list })),
    fc.tuple(fc.constant('$pull'), fc.oneof(number, fc.record({ $gte: number }))),
    fc.tuple(fc.constant('$pullAll'), list),
    fc.tuple(fc.constant('$pop'), fc.constantFrom(1, -1)),
  ),
};
const change = fc
  .tuple(fc.constantFrom('', 'o.'), fc.constantFrom('s', 'n', 'list'))
  .chain(([root, field]) =>
    (CHANGES[field] as fc.Arbitrary<readonly [string, unknown]>).map(
      ([operator, operand]) => ({ path: root + field, operator, operand }) as const,
    ),
  );
const changes = fc.uniqueArray(change, {
  selector: ({ path }) => path,
  minLength: 1,
  maxLength: 6,
});

type Change = (typeof changes extends fc.Arbitrary<infer T> ? T : never)[number];

const order = (left: unknown, right: unknown) => compareValues(left as Value, right as Value);
const same = (left: unknown, right: unknown) => order(left, right) === 0;

/** What an operator makes of a value; undefined for a field that is then not there. */
const MODEL: Readonly<Record<string, (value: unknown, operand: unknown) => unknown>> = {
  $set: (_value, operand) => operand,
  $unset: () => undefined,
  $inc: (value, by) => ((value as number) ?? 0) + (by as number),
  $mul: (value, by) => ((value as number) ?? 0) * (by as number) + 0,
  $min: (value, other) => (value === undefined || order(other, value) < 0 ? other : value),
  $max: (value, other) => (value === undefined || order(other, value) > 0 ? other : value),
  $push: (value, operand) => push((value as unknown[]) ?? [], operand),
  $addToSet: (value, operand) => {
    const out = [...((value as unknown[]) ?? [])];
    const all = isEach(operand) ? operand.$each : [operand];
    for (const item of all) if (!out.some((other) => same(other, item))) out.push(item);
    return out;
  },
  $pull: (value, operand) =>
    (value as number[] | undefined)?.filter((item) =>
      typeof operand === 'number' ? item !== operand : item < (operand as { $gte: number }).$gte,
    ),
  $pullAll: (value, operand) =>
    (value as number[] | undefined)?.filter((item) => !(operand as number[]).includes(item)),
  $pop: (value, side) =>
    side === 1 ? (value as unknown[])?.slice(0, -1) : (value as unknown[])?.slice(1),
};

interface Each {
  readonly $each: readonly unknown[];
  readonly $position?: number;
  readonly $slice?: number;
  readonly $sort?: 1 | -1;
}

function isEach(operand: unknown): operand is Each {
  return typeof operand === 'object' && operand !== null && '$each' in operand;
}

function push(value: readonly unknown[], operand: unknown): unknown[] {
  const {
    $each,
    $position = value.length,
    $slice,
    $sort,
  } = isEach(operand) ? operand : { $each: [operand] };
  const out = [...value];
  out.splice($position, 0, ...$each);
  if ($sort) out.sort((left, right) => order(left, right) * $sort);
  if ($slice === undefined) return out;
  return $slice < 0 ? out.slice($slice) : out.slice(0, $slice);
}

function modelled(document: Fields, all: readonly Change[]): Fields {
  const out = structuredClone(document);
  for (const { path, operator, operand } of all) {
    const [root, field] = path.includes('.') ? path.split('.') : [undefined, path];
    const holder = (root ? out[root] : out) as Fields | undefined;
    const value = MODEL[operator]?.(holder?.[field as string], operand);
    if (value === undefined) delete holder?.[field as string];
    else if (holder) holder[field as string] = value;
    else out[root as string] = { [field as string]: value };
  }
  return out;
}

test('an update does what each of its operators means', () => {
  fc.assert(
    fc.property(body, changes, (fields, all) => {
      const document = { _id: 'd', _type: 't', ...fields };
      const update: Record<string, Fields> = {};
      for (const { path, operator, operand } of all) {
        update[operator] ??= {};
        (update[operator] as Fields)[path] = operand;
      }
      const before = structuredClone(document);
      expect(applyUpdate(document as never, update, { now: 0 })).toEqual(modelled(document, all));
      expect(document).toEqual(before);
    }),
    { seed: 31, numRuns: 1_500 },
  );
});

const expression = fc.oneof(
  scalar,
  fc.constantFrom('$s', '$n', '$o.s', '$none'),
  fc.constant({ $add: ['$n', 1] }),
  fc.constant({ $ifNull: ['$s', 'none'] }),
);
const stage = fc.oneof(
  fc.record({
    $set: fc.dictionary(fc.constantFrom('s', 'n', 'x', 'o.s'), expression, {
      minKeys: 1,
      noNullPrototype: true,
    }),
  }),
  fc.record({ $unset: fc.uniqueArray(fc.constantFrom('s', 'n', 'o.n', 'x'), { minLength: 1 }) }),
);

function at(document: Fields, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((node, name) => (node as Fields | undefined)?.[name], document);
}

function computedFrom(document: Fields, written: unknown): unknown {
  if (typeof written === 'string')
    return written.startsWith('$') ? at(document, written.slice(1)) : written;
  if (typeof written !== 'object' || written === null) return written;
  if ('$ifNull' in written) return at(document, 's') ?? 'none';
  const n = at(document, 'n');
  return typeof n === 'number' ? n + 1 : null;
}

/** Sets what has a value, takes away what has none, and makes objects on the way. */
function put(document: Fields, path: string, value: unknown): void {
  const [root, name] = path.split('.') as [string, string?];
  if (name === undefined) {
    if (value === undefined) delete document[root];
    else document[root] = value;
    return;
  }
  const inner = { ...(document[root] as Fields | undefined) };
  if (value === undefined) delete inner[name];
  else inner[name] = value;
  document[root] = inner;
}

function staged(document: Fields, stages: readonly Fields[]): Fields {
  return stages.reduce<Fields>((before, { $set, $unset }) => {
    const after = structuredClone(before);
    for (const [path, written] of Object.entries(($set ?? {}) as Fields))
      put(after, path, computedFrom(before, written));
    for (const path of ($unset ?? []) as string[])
      if (!path.includes('.') || at(after, path.split('.')[0] as string) !== undefined)
        put(after, path, undefined);
    return after;
  }, document);
}

test('an update by stages sets and takes away, stage after stage', () => {
  fc.assert(
    fc.property(body, fc.array(stage, { minLength: 1, maxLength: 4 }), (fields, stages) => {
      const document = { _id: 'd', _type: 't', n: 1, ...fields };
      const numbers = stages.every(({ $set }: Fields) => isNumberOnly(($set as Fields)?.n));
      fc.pre(numbers);
      expect(applyUpdate(document as never, stages, { now: 0 })).toEqual(
        staged(document, stages as Fields[]),
      );
    }),
    { seed: 32, numRuns: 1_000 },
  );
});

/** What `$add` can go on with. */
function isNumberOnly(written: unknown): boolean {
  return written === undefined || typeof written === 'number' || written === null;
}
