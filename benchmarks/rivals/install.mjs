/** Stores to compare with live in a package of their own, installed when first asked for. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** A package of `benchmarks/rivals/package.json`. */
export const requireRival = createRequire(new URL('package.json', import.meta.url));

export function installRivals() {
  if (existsSync(`${FOLDER}node_modules/.package-lock.json`)) return;
  console.error('installing the rivals in benchmarks/rivals, once; this takes a minute or two');
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: ['ignore', 2, 2],
  });
}
