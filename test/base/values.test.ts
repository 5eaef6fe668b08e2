import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesLeft,
  describeType,
  isPlainObject,
  takeMadeValue,
  takeSizedValue,
  takeValue,
  VALUE_LIMITS,
} from '#jdbx/base/values.js';
import { value } from '../suites/arbitrary-values.ts';

class Point {
  x = 1;
}

const cycle: { deep: { back?: unknown; list?: unknown[] } } = { deep: {} };
cycle.deep.back = cycle;
const cyclicList: unknown[] = [0];
cyclicList.push({ again: cyclicList });

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { a: value } : [value];
  return value;
}

describe('takeValue refuses, with its path,', () => {
  test.each<[string, unknown, string]>([
    [
      'NaN',
      { metrics: { rate: Number.NaN } },
      'at metrics.rate: expected a finite number, got NaN',
    ],
    ['Infinity', [1, -Infinity], 'at 1: expected a finite number, got -Infinity'],
    ['a function', { a: [{ run: () => 1 }] }, 'at a.0.run: expected a value that a document can'],
    [
      'a symbol',
      { a: Symbol('x') },
      'at a: expected a value that a document can hold, got a symbol',
    ],
    ['a bigint', { a: 1n }, 'at a: expected a value that a document can hold, got a bigint'],
    ['undefined on its own', undefined, 'expected a value that a document can hold, got nothing'],
    [
      'a class instance',
      { at: new Point() },
      'at at: expected a plain object, got an instance of Point',
    ],
    ['a Map', { a: new Map() }, 'at a: expected a plain object, got an instance of Map'],
    ['a RegExp', { a: /x/ }, 'at a: expected a plain object, got an instance of RegExp'],
    [
      'a boxed number',
      { a: Object(1) },
      'at a: expected a plain object, got an instance of Number',
    ],
    ['a promise', { a: Promise.resolve(1) }, 'at a: expected a plain object, got an instance of'],
    ['an error', { a: new Error('x') }, 'at a: expected a plain object, got an instance of Error'],
    ['other typed arrays', { a: new Float64Array(1) }, 'at a: expected a plain object, got an'],
    ['an inherited object', { a: Object.create({ b: 1 }) }, 'at a: expected a plain object'],
    [
      'an invalid date',
      { when: new Date('never') },
      'at when: expected a valid date, got an invalid',
    ],
    ['a cycle', cycle, 'at deep.back: expected a tree, got a cycle'],
    ['a cycle through an array', cyclicList, 'at 1.again: expected a tree, got a cycle'],
    [
      'a lone surrogate',
      { a: ['ok', 'x\ud800'] },
      'at a.1: expected a well-formed string, got a lone',
    ],
    [
      'a lone surrogate in a name',
      { a: { '\udc00': 1 } },
      'at a: expected well-formed property names',
    ],
    [
      'a symbol key',
      { a: { [Symbol('s')]: 1 } },
      'at a: expected string keys only, got a symbol key',
    ],
    [
      '__proto__ from JSON',
      JSON.parse('{"a": {"__proto__": {}}}'),
      'at a.__proto__: expected another',
    ],
  ])('%s', (_, input, message) => {
    expect(() => takeValue(input)).toThrow(expect.objectContaining({ code: 'INVALID_DOCUMENT' }));
    expect(() => takeValue(input)).toThrow(message);
  });

  test('what is too deep, too long in its names, or too many', () => {
    const tooLarge = expect.objectContaining({ code: 'DOCUMENT_TOO_LARGE' });
    expect(() => takeValue(nested(VALUE_LIMITS.depthMax + 1))).toThrow(tooLarge);
    expect(() => takeValue({ a: { ['é'.repeat(501)]: 1 } })).toThrow(tooLarge);
    expect(() => takeValue({ a: { ['é'.repeat(501)]: 1 } })).toThrow(
      'at a: expected property names',
    );
    expect(() => takeValue(new Array(VALUE_LIMITS.nodesMax).fill(0))).toThrow(tooLarge);
    expect(() => takeValue({ holes: new Array(4_000_000_000) })).toThrow(tooLarge);
  });

  test('and starts the path where the caller says', () => {
    expect(() => takeValue({ a: Number.NaN }, 'stages.2')).toThrow('at stages.2.a:');
  });
});

describe('takeValue accepts', () => {
  test('everything that a document can hold, up to its limits', () => {
    const input = {
      nothing: null,
      yes: true,
      number: -1.5,
      text: 'é😀\0',
      date: new Date(5),
      bytes: new Uint8Array([1, 2]),
      list: [1, [2], { three: 3 }],
      constructor: 'a name like any other',
      '': 'an empty name',
    };
    expect(takeValue(input)).toEqual(input);
    expect(takeValue(nested(VALUE_LIMITS.depthMax))).toEqual(nested(VALUE_LIMITS.depthMax));
    const longName = { ['é'.repeat(500)]: 1 };
    expect(takeValue(longName)).toEqual(longName);
  });

  test('an object without a prototype, and gives it an ordinary one', () => {
    const bare = Object.assign(Object.create(null), { a: 1 });
    expect(Object.getPrototypeOf(takeValue(bare))).toBe(Object.prototype);
  });

  test('the same object in two places, which is no cycle', () => {
    const shared = { a: [1] };
    expect(takeValue({ left: shared, right: [shared, shared] })).toEqual({
      left: { a: [1] },
      right: [{ a: [1] }, { a: [1] }],
    });
  });

  test('undefined as JSON does: a property is left out, a place in a list becomes null', () => {
    const value = takeValue({ gone: undefined, list: [undefined, 1] });
    expect(Object.keys(value as object)).toEqual(['list']);
    expect(value).toEqual({ list: [null, 1] });
  });

  test('holes of a list as null', () => {
    const list = [1, 2];
    list[3] = 4;
    expect(takeValue(list)).toEqual([1, 2, null, 4]);
  });

  test('-0 as 0', () => {
    expect(Object.is(takeValue(-0), 0)).toBe(true);
  });

  test('accessors by reading them once', () => {
    let reads = 0;
    const input = {
      get once() {
        reads++;
        return reads === 1 ? 'first' : Number.NaN;
      },
    };
    expect(takeValue(input)).toEqual({ once: 'first' });
    expect(reads).toBe(1);
  });
});

describe('what takeValue returns', () => {
  test('is frozen all the way down', () => {
    const value = takeValue({ a: { b: [{ c: 1 }] } }) as { a: { b: { c: number }[] } };
    for (const part of [value, value.a, value.a.b, value.a.b[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test('shares nothing with the input', () => {
    const date = new Date(1);
    const buffer = Buffer.from([1, 2, 3]);
    const input = { list: [1], date, bytes: buffer.subarray(1) };
    const value = takeValue(input) as unknown as { list: number[]; date: Date; bytes: Uint8Array };
    input.list.push(2);
    date.setTime(9);
    buffer.fill(0);
    expect(value).toEqual({ list: [1], date: new Date(1), bytes: new Uint8Array([2, 3]) });
    expect(Object.getPrototypeOf(value.bytes)).toBe(Uint8Array.prototype);
    expect(value.bytes.buffer.byteLength).toBe(2);
  });
});

test('isPlainObject tells objects from the other things that typeof calls objects', () => {
  expect([{}, Object.create(null)].every(isPlainObject)).toBe(true);
  const others = [null, [], new Date(), new Uint8Array(), /x/, 'text', 1, undefined, () => 1];
  expect(others.some(isPlainObject)).toBe(false);
});

test('describeType names what came', () => {
  const named = [null, undefined, [], new Date(), new Uint8Array(), {}, 'x', 1, true].map(
    describeType,
  );
  expect(named).toEqual([
    'null',
    'nothing',
    'an array',
    'a date',
    'bytes',
    'an object',
    'a string',
    'a number',
    'a boolean',
  ]);
});

test('what is left of a number of bytes after a value is what taking it would count', () => {
  fc.assert(
    fc.property(value, (source) => {
      // Names with a null character are not stored.
      fc.pre(!JSON.stringify(source).includes('\\u0000'));
      const { bytes } = takeSizedValue(source);
      expect(bytesLeft(source, bytes + 7)).toBe(7);
      expect(bytesLeft(source, bytes)).toBe(0);
      expect(bytesLeft(source, bytes - 1)).toBeLessThan(0);
    }),
    { seed: 14, numRuns: 2_000 },
  );
  expect(bytesLeft(cycle, 1e9)).toBeLessThan(0);
  expect(bytesLeft(undefined, 100)).toBeLessThan(0);
});

function outcome(take: (input: unknown) => unknown, input: unknown): unknown {
  try {
    return take(input);
  } catch (error) {
    return String(error);
  }
}

describe('takeMadeValue', () => {
  const taken = takeValue({ list: [{ a: 1 }, 'é'], text: 'x'.repeat(50), none: null });

  test('uses what was taken before as it is, and counts it as takeSizedValue does', () => {
    const made = { about: taken, n: 1, gone: undefined };
    const { value, bytes, shareable } = takeMadeValue(made);
    expect(value).toEqual(takeValue(made));
    expect((value as { about: unknown }).about).toBe(taken);
    expect(Object.isFrozen(value)).toBe(true);
    expect({ bytes, shareable }).toEqual({ bytes: takeSizedValue(made).bytes, shareable: true });
  });

  test('copies what somebody could still change', () => {
    const open = { deep: { n: 1 } };
    const [when, bytes] = [new Date(5), new Uint8Array([1])];
    const dated = takeValue({ when, bytes }) as { when: Date; bytes: Uint8Array };
    const made = takeMadeValue({ open, dated });
    const value = made.value as { open: typeof open; dated: typeof dated };
    open.deep.n = 2;
    dated.when.setTime(6);
    dated.bytes[0] = 2;
    expect(value).toEqual({ open: { deep: { n: 1 } }, dated: { when, bytes } });
    expect(made.shareable).toBe(false);
  });

  test('refuses what cannot be stored, with its path, also where it was taken before', () => {
    const named = takeValue({ 'a\0b': 1 });
    expect(() => takeMadeValue({ list: [named] })).toThrow('at list.0: expected property names');
    expect(() => takeMadeValue({ a: [Number.NaN] })).toThrow('at a.0: expected a finite number');
    const deep = takeValue(nested(VALUE_LIMITS.depthMax));
    expect(takeMadeValue(deep).value).toBe(deep);
    expect(() => takeMadeValue({ deep })).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_TOO_LARGE' }),
    );
  });

  test('is not taken in by what somebody else froze', () => {
    const open = { n: 1 };
    const { value } = takeMadeValue({ outside: Object.freeze({ open }) });
    open.n = 2;
    expect(value).toEqual({ outside: { open: { n: 1 } } });
    for (const [frozen, fault] of [
      [{ run: () => 1 }, 'at part.run: expected a value that a document can hold'],
      [{ n: Number.NaN }, 'at part.n: expected a finite number'],
      ['\ud800', 'at part.0: expected a well-formed string'],
      [new Map([[1, 2]]), 'at part: expected a plain object'],
      [new Point(), 'at part: expected a plain object'],
    ] as const) {
      const part = Object.freeze(typeof frozen === 'string' ? [frozen] : frozen);
      expect(() => takeMadeValue({ part })).toThrow(fault);
    }
  });

  test('gives what takeSizedValue gives, of any value', () => {
    fc.assert(
      fc.property(value, value, (left, right) => {
        const made = { left: takeValue(left), right, both: [takeValue(right), left] };
        expect(outcome(takeMadeValue, made)).toEqual(outcome(takeSizedValue, made));
      }),
    );
  });
});
