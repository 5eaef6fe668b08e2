import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '#jdbx/index.js';
import { readBlocks } from './blocks.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = new URL('../../README.md', import.meta.url);
const blocks = readBlocks(readme);

/** Inside the package, so that `import 'jdbx'` means this package, as built. */
const programs = join(root, 'dist', 'readme');
const folder = mkdtempSync(join(tmpdir(), 'jdbx-readme-'));

const typescript = blocks.filter(({ language }) => language === 'ts');
const shell = blocks.filter(({ language }) => language === 'sh');

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(programs, { recursive: true, force: true });
});

describe('the README', () => {
  it('has only blocks that are run here, and the set-up commands', () => {
    const others = blocks.filter(({ language }) => language !== 'ts' && language !== 'sh');
    expect(others.map(({ language, heading }) => [language, heading])).toEqual([
      ['console', 'Try it'],
      // How it is said elsewhere.
      ['js', 'If you come from LangGraph, DBOS or Temporal'],
      ['js', 'If you come from LangGraph, DBOS or Temporal'],
    ]);
  });

  it('names set-up commands that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
  });

  it('lists every error code with its sentence', () => {
    const text = readFileSync(readme, 'utf8');
    const rows = Object.entries(ERROR_CODES).map(
      ([code, meaning]) => `| \`${code}\` | ${meaning} |`,
    );
    expect(rows.filter((row) => !text.includes(row))).toEqual([]);
  });
});

describe('the programs of the README', () => {
  beforeAll(async () => {
    rmSync(programs, { recursive: true, force: true });
    mkdirSync(programs, { recursive: true });
    for (const { line, code } of typescript) writeFileSync(join(programs, `line-${line}.ts`), code);
    writeFileSync(join(programs, 'tsconfig.json'), JSON.stringify(tsconfig));
    await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', programs]);
  }, 60_000);

  for (const { line, heading, code } of typescript) {
    it(`runs "${heading}" (line ${line}) and prints what its comments say`, async () => {
      const cwd = mkdtempSync(join(folder, 'program-'));
      const program = join(programs, `line-${line}.js`);
      const { stdout, stderr } = await run(process.execPath, [program], { cwd });
      expect(stderr).toBe('');
      const printed = squeeze(stdout);
      for (const promised of promises(code)) expect(printed).toContain(squeeze(promised));
    }, 30_000);
  }
});

describe('the commands of the README', () => {
  const path = `${join(folder, 'bin')}:${process.env.PATH}`;

  beforeAll(() => {
    mkdirSync(join(folder, 'bin'));
    const command = join(folder, 'bin', 'jdbx');
    writeFileSync(command, `#!/bin/sh\nexec node ${join(root, 'dist/cli/main.js')} "$@"\n`);
    chmodSync(command, 0o755);
  });

  for (const { line, heading, code } of shell) {
    it(`run as printed in "${heading}" (line ${line})`, async () => {
      const env = { ...process.env, PATH: path };
      const { stdout } = await run('bash', ['-euc', code], { cwd: folder, env });
      expect(stdout).not.toBe('');
    }, 60_000);
  }
});

const tsconfig = {
  extends: '../../tsconfig.json',
  compilerOptions: {
    rootDir: '.',
    outDir: '.',
    declaration: false,
    sourceMap: false,
    inlineSources: false,
    types: ['node'],
    typeRoots: ['../../node_modules/@types'],
  },
  include: ['*.ts'],
  exclude: [],
};

/** What comments say is printed: at the end of a `console.log` line, or in lines of their own after it. */
function promises(code: string): string[] {
  const found: string[] = [];
  let afterLog = false;
  for (const line of code.split('\n')) {
    const own = /^\s*\/\/ (.*)$/.exec(line)?.[1];
    const trailing = /console\.log\(.*\/\/ (.*)$/.exec(line)?.[1];
    if (trailing !== undefined) found.push(trailing);
    else if (own !== undefined && afterLog) found.push(own);
    // A loop or a statement of several lines may close between the call and its comment.
    afterLog = line.includes('console.log') || (afterLog && /^\s*(\/\/.*|[})\];,]+)$/.test(line));
  }
  return found;
}

/** Node breaks long objects over lines; the README may not. */
function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll("'", '').trim();
}
