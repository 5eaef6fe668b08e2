import { expect, test } from 'vitest';
import { checkId, ID_BYTES_MAX, newId } from '#jdbx/base/ids.js';

test('a new id starts with its type and does not repeat', () => {
  const ids = Array.from({ length: 1_000 }, () => newId('pattern'));
  expect(new Set(ids).size).toBe(1_000);
  for (const id of ids) {
    expect(id).toMatch(/^pattern:[\w-]{21}$/);
    expect(() => checkId(id)).not.toThrow();
  }
});

test('an id may be any well-formed text up to its limit in bytes', () => {
  for (const id of ['x', 'with spaces', '日本', '😀', '\0', 'é'.repeat(ID_BYTES_MAX / 2)]) {
    expect(() => checkId(id)).not.toThrow();
  }
});

test.each<[unknown, string]>([
  [undefined, 'expected a string, got nothing'],
  [7, 'expected a string, got a number'],
  [{ $ne: null }, 'expected a string, got an object'],
  ['', 'expected a non-empty string'],
  ['a\ud800', 'expected a well-formed string, got a lone surrogate'],
  ['x'.repeat(1_001), 'expected at most 1000 bytes, got 1001'],
  ['é'.repeat(501), 'expected at most 1000 bytes, got 1002'],
])('the id %j is refused', (id, text) => {
  expect(() => checkId(id)).toThrow(
    expect.objectContaining({
      code: 'INVALID_DOCUMENT',
      path: '_id',
      message: `INVALID_DOCUMENT at _id: ${text}`,
    }),
  );
});
