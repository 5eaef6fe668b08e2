import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The cases that others wrote lie beside the checkout; they are no part of it. */
const PLACES = ['../../../shared/conformance/', '../../../../shared/conformance/'];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export const FILES = ['query', 'update', 'aggregate', 'expression', 'index'];

/** The folder of the cases, or undefined where there is none. */
export function casesFolder() {
  return PLACES.map(here).find((folder) => existsSync(join(folder, 'run-cases.mjs')));
}

/** Ids of cases that differ by design, each with the name of its reason. */
export function knownDifferences() {
  const groups = JSON.parse(readFileSync(here('./known-differences.json'), 'utf8'));
  return new Map(
    Object.entries(groups).flatMap(([name, { cases }]) => cases.map((id) => [id, name])),
  );
}

/**
 * Runs one file of cases in a process of its own.
 *
 * @returns how many passed of how many, the ids that failed, and of these the known ones
 */
export async function runFile(folder, file, { index = false, only, timeoutMs = 300_000 } = {}) {
  const scratch = await mkdtemp(join(tmpdir(), 'jdbx-conformance-'));
  const out = join(scratch, 'failed.json');
  try {
    const args = [
      'run-cases.mjs',
      '--adapter',
      here('./adapter.mjs'),
      '--file',
      `${file}-cases.json`,
    ];
    args.push(
      '--errors',
      '--out',
      out,
      ...(index ? ['--index'] : []),
      ...(only ? ['--only', only] : []),
    );
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: folder,
      timeout: timeoutMs,
      maxBuffer: 1e8,
    });
    return resultOf(file, stdout, JSON.parse(await readFile(out, 'utf8')));
  } finally {
    await rm(scratch, { recursive: true });
  }
}

function resultOf(file, stdout, failed) {
  const [, passed, total] = /PASS (\d+)\/(\d+)/.exec(stdout).map(Number);
  const differences = knownDifferences();
  const known = failed.filter((id) => differences.has(id));
  const refusals = /must refuse/;
  const lines = stdout.split('\n').filter((line) => /: \d+\/\d+ =/.test(line));
  const sum = (pick) =>
    lines
      .filter(pick)
      .map((line) => /: (\d+)\/(\d+)/.exec(line).slice(1).map(Number))
      .reduce(([p, n], [q, m]) => [p + q, n + m], [0, 0]);
  return {
    file,
    passed,
    total,
    failed,
    known,
    answers: sum((line) => !refusals.test(line)),
    refusals: sum((line) => refusals.test(line)),
  };
}

/** Passed cases of all that do not differ by design, in percent. */
export function rate({ passed, total, known }) {
  return (100 * passed) / (total - known.length);
}
