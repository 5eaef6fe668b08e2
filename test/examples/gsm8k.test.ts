import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
// @ts-expect-error: the example is plain JavaScript
import { parseAnswer } from '../../examples/gsm8k/transformers.mjs';
import { withoutKeys } from '../support/without-keys.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sample = join(root, 'examples/gsm8k/sample.jsonl');
const folder = mkdtempSync(join(tmpdir(), 'jdbx-gsm8k-test-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function main(...args: string[]) {
  const command = [join(root, 'examples/gsm8k/main.mjs'), ...args];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, {
      cwd: root,
      env: withoutKeys(),
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

function sampleRows(): Record<string, { is_correct: boolean }>[] {
  return readFileSync(sample, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function writeRows(name: string, rows: readonly unknown[]): string {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

describe('the main job', () => {
  it('grades every answer of the sample as the sample itself does, and shows the audit trail', async () => {
    const { code, stdout, stderr } = await main();
    expect(stderr).toBe('');
    expect(stdout).toContain('This sample is made up for the demo');
    for (const model of ['imagined_small', 'imagined_large_checked']) {
      const right = sampleRows().filter((row) => row[model]?.is_correct).length;
      const percent = ((100 * right) / 30).toFixed(2);
      expect(stdout).toMatch(
        new RegExp(`${model} +30 +${right} +${percent} % +${right} +not reported`),
      );
    }
    expect(stdout).toContain("Grades that differ from the file's verdict: none");
    expect(stdout).toMatch(/stage +grade +done +transformer:grade \(1\), wrote grade:/);
    expect(stdout).toContain('The audit trail holds 840 documents; its chain of hashes is sound.');
    expect(code).toBe(0);
  });

  it('goes on where it stopped when it is run again on its store', async () => {
    const store = join(folder, 'again');
    await main('--store', store, '--limit', '3');
    const second = await main('--store', store, '--limit', '5', '--concurrency', '4');
    expect(second.stdout).toContain('12 of them were finished before');
    expect(second.stdout).toContain('The audit trail holds 140 documents');
    expect(second.code).toBe(0);
  });

  it('lists a grade that the file does not agree with, and says so in its exit code', async () => {
    const rows = sampleRows().slice(0, 2);
    const verdict = rows[1]?.imagined_small;
    if (verdict) verdict.is_correct = !verdict.is_correct;
    const { code, stdout } = await main(writeRows('doubtful.jsonl', rows));
    expect(stdout).toContain("Grades that differ from the file's verdict: 1");
    expect(stdout).toMatch(/imagined_small +2 +59 +59 +100 +correct/);
    expect(code).toBe(1);
  });

  it('refuses a line that is not JSON by its number, and a store that holds other questions', async () => {
    const broken = join(folder, 'broken.jsonl');
    writeFileSync(broken, `${JSON.stringify(sampleRows()[0])}\n{"question": \n`);
    const refused = await main(broken);
    expect(refused.stderr).toContain('broken.jsonl, line 2: ');
    expect(refused.code).toBe(1);
    const store = join(folder, 'other');
    await main('--store', store, '--limit', '1');
    const other = writeRows('other.jsonl', [sampleRows()[1]]);
    const { code, stderr } = await main(other, '--store', store);
    expect([code, stderr]).toEqual([1, expect.stringContaining('holds other data')]);
  });

  it('refuses an option that it does not understand', async () => {
    const { code, stderr } = await main('--concurrency', 'many');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--concurrency: expected a whole')]);
  });
});

describe('the number of an answer', () => {
  it.each([
    ['A: 18', 18],
    ['She has 3.\nA: 18\n', 18],
    ['A: 1\nNo, that is wrong.\nA: 2', 2],
    ['A: $1,450,000', 1_450_000],
    ['A: -$5.50', -5.5],
    ['A: $-5.50', -5.5],
    ['A: −11', -11],
    ['A: 8.00', 8],
    ['A: .5', 0.5],
    ['A: 3/4', 0.75],
    ['A: 1 1/2 cups', 1.5],
    ['A: -1/4', -0.25],
    ['A: 3.15 million', 3_150_000],
    ['A: 100 pages', 100],
    ['A: 50%', 50],
    ['A: it is 7', 7],
    ['A: 1,2', 1],
  ])('of %j is %d', (text, number) => {
    expect(parseAnswer({ text }).number).toBe(number);
  });

  it.each(['', 'The answer is 18', 'A:', 'A: none', 'See A: 18'])('of %j is not there', (text) => {
    expect(parseAnswer({ text }).number).toBeNull();
  });
});
