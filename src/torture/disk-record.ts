import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Lies beside the sources, not the built files. */
const SOURCE = fileURLToPath(new URL('../../src/torture/disk-shim.c', import.meta.url));
const SECTOR = 512;

/** What a process did to a file, in order. */
interface Write {
  readonly at: number;
  /** Cut or grown to this size; else `data` was written at `offset`. */
  readonly size?: number;
  readonly offset: number;
  readonly data: Buffer;
  flushed: boolean;
}

/** What the library wrote down: a write, a cut, a flush that began or ended, or what the process told. */
export interface ShimEvent {
  readonly kind: string;
  readonly fields: readonly string[];
  readonly data: Buffer;
}

/** Writes that a loss of power left out, and such as it left in part. */
export interface LossCount {
  dropped: number;
  torn: number;
}

/**
 * Compiles the library that, preloaded into a process, writes down what that does to files.
 *
 * @throws {TypeError} where that cannot be done
 */
export function compileShim(directory: string): string {
  if (process.platform !== 'linux') throw new TypeError('power loss: expected Linux');
  const compiler = ['cc', 'gcc', 'clang'].find(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  );
  if (!compiler) throw new TypeError('power loss: expected a C compiler (cc, gcc or clang)');
  const library = join(directory, 'disk-shim.so');
  const flags = ['-shared', '-fPIC', '-O1', '-w', '-o', library, SOURCE, '-ldl', '-lpthread'];
  execFileSync(compiler, flags);
  return library;
}

/** Reads what the library wrote: see disk-shim.c. */
export function readEvents(record: Buffer): ShimEvent[] {
  const events: ShimEvent[] = [];
  for (let at = 0; at < record.length; ) {
    const end = record.indexOf(10, at);
    if (end === -1) break;
    const [kind = '', ...fields] = record.toString('latin1', at, end).split(' ');
    at = end + 1;
    const length = kind === 'W' ? Number(fields[2]) : kind === 'A' ? Number(fields[0]) : 0;
    // The process may have been killed while it told.
    if (at + length > record.length) break;
    events.push({ kind, fields, data: record.subarray(at, at + length) });
    at += length;
  }
  return events;
}

/** What was written to each file, and whether that was flushed. */
export function writesIn(events: readonly ShimEvent[]): Map<string, Write[]> {
  const files = new Map<string, Write[]>();
  const begun = new Map<string, number>();
  const add = (path: string, write: Write) => {
    const writes = files.get(path) ?? [];
    files.set(path, writes);
    writes.push(write);
  };
  events.forEach(({ kind, fields, data }, at) => {
    const [first = '', second = '', , last] = fields;
    if (kind === 'B') begun.set(first, at);
    if (kind === 'W') add(first, { at, offset: Number(second), data, flushed: last === '1' });
    if (kind === 'T') {
      add(first, { at, size: Number(second), offset: 0, data: Buffer.alloc(0), flushed: false });
    }
    if (kind !== 'S') return;
    for (const write of files.get(second) ?? []) {
      if (write.at < (begun.get(first) ?? 0)) write.flushed = true;
    }
  });
  return files;
}

/** What was flushed is there; of the rest each write is there, or gone, or torn into sectors. */
export function rebuild(
  path: string,
  writes: readonly Write[],
  random: () => number,
  count: LossCount,
): void {
  let file: Buffer = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  for (const write of writes) {
    const fate = write.flushed ? 0 : random();
    if (fate > 0.66) {
      count.dropped++;
      continue;
    }
    if (write.size !== undefined) file = resize(file, write.size);
    else {
      file = resize(file, Math.max(file.length, write.offset + write.data.length));
      if (fate <= 0.33) write.data.copy(file, write.offset);
      else {
        count.torn++;
        tear(file, write, random);
      }
    }
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file);
}

/** Some of the sectors that a write touches are there. */
function tear(file: Buffer, { offset, data }: Write, random: () => number): void {
  for (let at = 0; at < data.length; ) {
    const end = Math.min(data.length, at + SECTOR - ((offset + at) % SECTOR));
    if (random() < 0.5) data.copy(file, offset + at, at, end);
    at = end;
  }
}

function resize(file: Buffer, size: number): Buffer<ArrayBuffer> {
  const sized = Buffer.alloc(size);
  file.copy(sized);
  return sized;
}
