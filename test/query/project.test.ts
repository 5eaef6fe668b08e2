import { expect, test } from 'vitest';
import { takeValue } from '#jdbx/base/values.js';
import type { DocumentBody } from '#jdbx/query/contract.js';
import { readProjection } from '#jdbx/query/project.js';

const document = takeValue({
  _id: 'd',
  _type: 't',
  a: 1,
  b: { x: 1, y: { z: 2 } },
  list: [
    { n: 1, m: 1 },
    { n: 2, m: 2 },
  ],
}) as DocumentBody;

test.each([
  [{ a: 1 }, { _id: 'd', a: 1 }],
  [{ a: true, _id: 0 }, { a: 1 }],
  [{ 'b.y': 1 }, { _id: 'd', b: { y: { z: 2 } } }],
  [{ 'list.n': 1, _id: 0 }, { list: [{ n: 1 }, { n: 2 }] }],
  [
    { list: 0, b: 0 },
    { _id: 'd', _type: 't', a: 1 },
  ],
  [
    { 'b.y.z': 0, list: 0 },
    { _id: 'd', _type: 't', a: 1, b: { x: 1, y: {} } },
  ],
  [
    { list: { $slice: 1 }, _id: 0, a: 1 },
    { a: 1, list: [{ n: 1, m: 1 }] },
  ],
  [{ list: { $elemMatch: { n: { $gt: 1 } } } }, { _id: 'd', list: [{ n: 2, m: 2 }] }],
  [{ twice: { $multiply: ['$a', 2] } }, { _id: 'd', twice: 2 }],
  [{ 'list.$': 1 }, { _id: 'd', list: [{ n: 2, m: 2 }] }],
  [{}, undefined],
])('%j', (projection, expected) => {
  const before = JSON.stringify(document);
  const project = readProjection(projection, { 'list.n': 2 });
  expect(project?.(document)).toEqual(expected);
  expect(JSON.stringify(document)).toBe(before);
});

test.each([
  [
    { a: 1, b: 0 },
    /INVALID_FILTER at projection\.b: expected paths to include or paths to leave out/,
  ],
  [{ a: { $nope: 1 } }, /at projection\.a: .*unknown operator \$nope/],
  [{ 'a..b': 1 }, /at projection\.a\.\.b: expected a path/],
  [{ a: 1, 'a.b': 1 }, /INVALID_FILTER at projection\.a\.b: .*collides/],
  [[1], /at projection: expected an object of paths, got an array/],
])('%j is refused', (projection, message) => {
  expect(() => readProjection(projection, {})).toThrow(message);
});
