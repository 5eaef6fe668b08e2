import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseValue } from '#jdbx/base/extended-json.js';
import { compileFilter } from '#jdbx/query/filter.js';

/**
 * MongoDB query cases that others wrote, when they lie beside the checkout:
 * the plain JSON ones with a filter and expected ids or documents, filters only.
 */
const file = new URL('../../../shared/conformance/query-cases.json', import.meta.url);

interface Case {
  readonly id: string;
  readonly plainJson?: boolean;
  readonly docs?: readonly Record<string, unknown>[];
  readonly filter?: unknown;
  readonly expect?: { docs?: readonly unknown[]; ids?: readonly unknown[]; error?: unknown };
  readonly [option: string]: unknown;
}

test.skipIf(!existsSync(file))(
  'most of the MongoDB filter cases beside the checkout are answered rightly',
  () => {
    const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Case[] };
    const usable = cases.filter(isPlainFilter);
    const failed = usable.filter((one) => !isAnswered(one)).map((one) => one.id);
    console.log(
      `filter cases answered rightly: ${usable.length - failed.length} of ${usable.length}`,
    );
    expect(failed.length).toBeLessThan(usable.length * 0.05);
  },
);

function isPlainFilter(one: Case): boolean {
  const { docs, filter, expect: expected } = one;
  const options = [
    'sort',
    'skip',
    'limit',
    'projection',
    'collation',
    'let',
    'steps',
    'requires',
    'indexes',
    'otherOptions',
    'hint',
    'pipeline',
  ];
  if (!one.plainJson || !docs || !filter || (!expected?.docs && !expected?.ids)) return false;
  return options.every((option) => one[option] === undefined);
}

function isAnswered(one: Case): boolean {
  try {
    const docs = parseValue(JSON.stringify(one.docs)) as Record<string, unknown>[];
    const found = docs.filter(compileFilter(parseValue(JSON.stringify(one.filter))));
    const expected = one.expect?.ids ?? one.expect?.docs ?? [];
    const got = one.expect?.ids ? found.map((document) => document._id) : found;
    return sorted(got) === sorted(parseValue(JSON.stringify(expected)) as unknown[]);
  } catch {
    return false;
  }
}

function sorted(list: readonly unknown[]): string {
  return list
    .map((item) => JSON.stringify(item))
    .sort()
    .join('\n');
}
