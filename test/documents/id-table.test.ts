/**
 * Strategy: random adds, removals and look-ups of ids that share much of their text, among them the longest
 * that a record holds, longer ones and ones of other scripts, against a map.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdTable } from '#jdbx/documents/id-table.js';

const document = (id: string) => Object.freeze({ _id: id, _type: 'd', _rev: 1 });
const odd = [
  'a',
  '',
  'ÿ',
  'Ā',
  '\u{1F600}',
  ...[3, 4, 5, 7, 8, 51, 52, 53, 54, 55].map((length) => 'x'.repeat(length)),
  'x'.repeat(56),
  `${'x'.repeat(54)}ä`,
  'a\0',
  '\0',
];
const ids = [
  ...odd,
  ...Array.from({ length: 300 }, (_, n) => `llm_call:${String(n).padStart(9, '0')}`),
];

test('under random work it holds what a map holds', () => {
  const step = fc.record({
    at: fc.nat(ids.length - 1),
    verb: fc.constantFrom('add', 'add', 'delete'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 900, size: 'max' }), (steps) => {
      const table = new IdTable();
      const map = new Map<string, number>();
      for (const [n, { at, verb }] of steps.entries()) {
        const id = ids[at] as string;
        if (verb === 'delete' || map.has(id)) {
          table.delete(id);
          map.delete(id);
        } else {
          table.add(n + 1, document(id));
          map.set(id, n + 1);
        }
      }
      for (const id of ids) {
        expect(table.refOf(id)).toBe(map.get(id));
        expect(table.documentOf(id)?._id).toBe(map.has(id) ? id : undefined);
      }
    }),
    { seed: 8, numRuns: 60 },
  );
});

test('an id is found however its text was put together', () => {
  const table = new IdTable();
  table.add(7, document('llm_call:000000042'));
  expect(table.refOf(`llm_call:${String(42).padStart(9, '0')}`)).toBe(7);
  expect(table.refOf('xllm_call:000000042'.slice(1))).toBe(7);
  expect(table.refOf('llm_call:000000042\0')).toBeUndefined();
});

test('what is no text is not there', () => {
  const table = new IdTable();
  table.add(1, document('undefined'));
  for (const id of [undefined, null, 5, {}, ['undefined']]) {
    expect(table.documentOf(id as unknown as string)).toBeUndefined();
  }
});

test('what it holds does not count as memory that collections of garbage hurry for', () => {
  const table = new IdTable();
  const before = process.memoryUsage().external;
  for (let n = 0; n < 50_000; n++) table.add(n + 1, document(`llm_call:${n}`));
  expect(process.memoryUsage().external - before).toBeLessThan(2 ** 20);
  expect(table.refOf('llm_call:49999')).toBe(50_000);
});
