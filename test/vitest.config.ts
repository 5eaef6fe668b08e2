import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
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
