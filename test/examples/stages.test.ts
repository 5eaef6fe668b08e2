import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { KIND_FIELDS } from '#jdbx/pipelines/check-pipeline.js';
import { withoutKeys } from '../support/without-keys.js';

const folder = new URL('../../examples/stages/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.mjs') && file !== 'main.mjs');

describe('the examples of stages', () => {
  const printed = new Map<string, string>();

  beforeAll(async () => {
    const main = new URL('main.mjs', folder).pathname;
    const options = { env: withoutKeys() };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main], options);
    expect(stderr).toBe('');
    for (const part of stdout.split(/^== /m).slice(1)) {
      const [name = '', ...lines] = part.split('\n');
      printed.set(name, squeeze(lines.join('\n')));
    }
  }, 60_000);

  it('show every kind', () => {
    expect(files).toEqual(expect.arrayContaining([...KIND_FIELDS].map((kind) => `${kind}.mjs`)));
  });

  it.each(files)('%s prints what its comments say', (file) => {
    expect(printed.get(file)).toBe(promised(readFileSync(new URL(file, folder), 'utf8')));
  });
});

/** The comments after the first import, one below the other. */
function promised(code: string): string {
  const body = code.slice(code.indexOf('import '));
  const lines = [...body.matchAll(/^\/\/ (.*)$/gm)].map(([, text]) => text);
  return squeeze(lines.join('\n'));
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
