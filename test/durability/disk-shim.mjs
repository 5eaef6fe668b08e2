import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../../src/torture/disk-shim.c', import.meta.url));

/** Compiles the shim into `directory`; or says why that cannot be done here. */
export function compileShim(directory) {
  if (process.platform !== 'linux') return { skipped: 'the shim is for Linux' };
  const compiler = ['cc', 'gcc', 'clang'].find(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  );
  if (!compiler) return { skipped: 'there is no C compiler' };
  const library = join(directory, 'disk-shim.so');
  execFileSync(compiler, [
    '-shared',
    '-fPIC',
    '-O1',
    '-w',
    '-o',
    library,
    SOURCE,
    '-ldl',
    '-lpthread',
  ]);
  return { library };
}

/** What a process did to the files of a store, in order. */
export function readEvents(record) {
  const events = [];
  for (let at = 0; at < record.length; ) {
    const end = record.indexOf(10, at);
    if (end === -1) break;
    const [kind, ...fields] = record.toString('latin1', at, end).split(' ');
    at = end + 1;
    const length = kind === 'W' ? Number(fields[2]) : kind === 'A' ? Number(fields[0]) : 0;
    // The process may have been killed while it told.
    if (at + length > record.length) break;
    events.push({ kind, fields, data: record.subarray(at, at + length) });
    at += length;
  }
  return events;
}
