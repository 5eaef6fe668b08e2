import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Those that start and kill many processes take longest and are short to read; by its own rule
 * vitest begins with the largest files, and would end with one of these alone.
 */
const LONG = [
  'durability/pipelines',
  'durability/kill',
  'documents/processes',
  'pipelines/leases',
  'durability/store',
  'durability/faults',
  'cli/',
  'sandbox/',
  'storage/',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((part) => moduleId.includes(`/test/${part}`));
      return at === -1 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // Many files wait for child processes and clocks most of their time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    globalSetup: ['test/support/temporary-root.ts'],
    // A machine that does much else at once is slow, not broken.
    testTimeout: 60_000,
    // Tests use the built package, as a user does.
    server: { deps: { external: [/\/dist\//] } },
    reporters: process.env.CI
      ? ['default', ['json', { outputFile: 'dist/test-results.json' }]]
      : ['default'],
  },
});
