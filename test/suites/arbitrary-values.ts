import fc from 'fast-check';
import type { Value } from '#jdbx/base/values.js';

/** Strings that the order and the encoding find hard: NUL, 0x01, surrogate pairs, shared prefixes. */
export const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({
    unit: fc.constantFrom(
      '\0',
      '\u0001',
      '\u0002',
      'a',
      'b',
      '\x7f',
      'é',
      '\u07ff',
      '€',
      '\uffff',
      '😀',
    ),
    maxLength: 4,
  }),
);

const number = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(0, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, 2 ** 53, 1e-300),
  )
  .map((value) => (value === 0 ? 0 : value));

const date = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.integer({ min: -2, max: 2 }).map((time) => new Date(time)),
);

const bytes = fc.uint8Array({ maxLength: 4 }).map((items) => new Uint8Array(items));

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', '$date', '$binary', '$$date', '2', 'base64', '$numberLong'),
  text.filter((key) => key !== '__proto__'),
);

/** Any value that a document can hold, as `takeValue` would leave it. */
export const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    number,
    text,
    date,
    bytes,
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(name, tie('value')), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;
