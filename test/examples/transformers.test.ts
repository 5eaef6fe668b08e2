import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

describe('the example of transformers', () => {
  let printed = '';

  beforeAll(async () => {
    const { stdout, stderr } = await run(process.execPath, [
      `${root}examples/transformers/main.mjs`,
    ]);
    expect(stderr).toBe('');
    printed = stdout;
  }, 60_000);

  it('passes its tests and runs, made of its three documents', () => {
    expect(printed).toContain('tests: 2 passed, 0 failed');
    expect(printed).toMatch(/^invoice: 54\.15 [\w+/]{8}$/m);
    expect(printed).toContain('printed: invoice 2031 54.15');
    expect(printed).toContain(
      'used: transformer:invoice, transformer:discounts, transformer:money',
    );
  });

  it('shows what is refused', () => {
    const codes = [...printed.matchAll(/^an? .*?: ([A-Z_]+): /gm)].map(([, code]) => code);
    expect(codes).toEqual(['TESTS_FAILED', 'DOCUMENT_IN_USE', 'DOCUMENT_IN_USE', 'GUEST_SYNTAX']);
  });

  it('compiles against the types of the guest API', async () => {
    const compiler = `${root}node_modules/.bin/tsc`;
    const { stdout } = await run(compiler, ['-p', `${root}examples/transformers/documents`]);
    expect(stdout).toBe('');
  }, 60_000);
});
