/** What we compare with lives in a package of its own, installed when first asked for. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** A package of `benchmarks/rivals/package.json`. */
export const requireRival = createRequire(new URL('package.json', import.meta.url));

export function installRivals() {
  const { dependencies } = JSON.parse(readFileSync(`${FOLDER}package.json`, 'utf8'));
  if (Object.keys(dependencies).every((name) => existsSync(`${FOLDER}node_modules/${name}`)))
    return;
  console.error('installing the rivals in benchmarks/rivals, once; this takes a minute or two');
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: ['ignore', 2, 2],
  });
}
