import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const READ = `
  import { createRequire } from 'node:module';
  import 'jdbx';
  const names = Object.keys(createRequire(import.meta.url).cache);
  console.log(JSON.stringify(names.map((file) => /node_modules.((?:@[^/]+.)?[^/]+)/.exec(file)?.[1])));
`;

it('importing the package reads none of the large libraries that few stores need', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    READ,
  ]);
  const read = new Set<string>(JSON.parse(stdout));
  expect(read).toContain('lmdb');
  for (const large of ['mingo', 'ajv', 'undici', 'gpt-tokenizer'])
    expect(read).not.toContain(large);
});
