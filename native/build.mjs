/**
 * Builds the native index. Without a compiler, headers or network it says so in
 * one line and succeeds: the portable index then takes over.
 *
 *   node native/build.mjs               build/Release/jdbx.node, for a clone
 *   node native/build.mjs --prebuild    and a copy in prebuilds/, for the package
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = dirname(fileURLToPath(import.meta.url));
const built = join(native, 'build', 'Release', 'jdbx.node');

/** Headers beside the running Node save a download; npm's own setting goes first. */
function headerOptions() {
  if (process.env.npm_config_nodedir) return [];
  const prefix = dirname(dirname(process.execPath));
  const found = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  return found ? [`--nodedir=${prefix}`] : [];
}

/** The reason why it could not be built; undefined when it was. */
function build() {
  let gyp;
  try {
    gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    return 'node-gyp is not installed';
  }
  const options = ['rebuild', '-C', native, '--loglevel=error', ...headerOptions()];
  const run = spawnSync(process.execPath, [gyp, ...options], { encoding: 'utf8' });
  if (run.status === 0 && existsSync(built)) return undefined;
  const lines = `${run.stdout}\n${run.stderr}`.split('\n');
  const told = lines.find((line) => /\bError: |: error: /.test(line)) ?? 'node-gyp failed';
  return told.replace(/^.*?\bError: /, '').trim();
}

const reason = build();
if (reason) {
  console.log(`native index not built (${reason}); the portable one is used`);
} else if (process.argv.includes('--prebuild')) {
  const folder = join(native, '..', 'prebuilds', `${process.platform}-${process.arch}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(built, join(folder, 'jdbx.node'));
}
