import { describe, expect, test } from 'vitest';
import { casesFolder, knownDifferences, rate, runFile } from './cases.mjs';

/**
 * MongoDB's query language by cases that others wrote, over the built package. They lie
 * beside the checkout on some machines; elsewhere there is nothing to run.
 */
const folder = casesFolder();

/** What passes today, in percent rounded down: of all cases, and of those that do not differ by design. */
const FLOORS = [
  { file: 'query', all: 98, rest: 100 },
  { file: 'update', all: 92, rest: 100 },
  { file: 'aggregate', all: 97, rest: 100 },
  { file: 'expression', all: 98, rest: 100 },
  { file: 'index', all: 93, rest: 100 },
];

describe.skipIf(!folder)('the conformance cases beside the checkout', () => {
  test.each(FLOORS)(
    '$file: at least $all % pass',
    async ({ file, all, rest }) => {
      const result = await runFile(folder as string, file);
      expect((100 * result.passed) / result.total).toBeGreaterThanOrEqual(all);
      expect(rate(result)).toBeGreaterThanOrEqual(rest);
    },
    120_000,
  );

  test('an index on every path of a query changes no answer', async () => {
    const plain = await runFile(folder as string, 'query');
    const indexed = await runFile(folder as string, 'query', { index: true });
    expect(indexed.failed).toEqual(plain.failed);
  }, 120_000);

  test('what is said to differ by design does differ', async () => {
    const failed = new Set<string>();
    for (const { file } of FLOORS) {
      for (const id of (await runFile(folder as string, file)).failed) failed.add(id);
    }
    const stale = [...knownDifferences().keys()].filter((id) => !failed.has(id));
    expect(stale).toEqual([]);
  }, 240_000);
});

test.skipIf(folder)('the conformance cases are not here, so they were not run', () => {
  expect(folder).toBeUndefined();
});
