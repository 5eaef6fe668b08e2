import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    globalSetup: ['test/support/temporary-root.ts'],
    testTimeout: 30_000,
    // Tests use the built package, as a user does.
    server: { deps: { external: [/\/dist\//] } },
    reporters: process.env.CI
      ? ['default', ['json', { outputFile: 'dist/test-results.json' }]]
      : ['default'],
  },
});
