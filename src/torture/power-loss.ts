import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Lies beside the sources, not the built files. */
const SOURCE = fileURLToPath(new URL('../../src/torture/disk-shim.c', import.meta.url));
const SECTOR = 512;
/** How often the power goes before the process does. */
const EARLY_PART = 0.7;

/** What a process did to a file, in order. */
interface Write {
  readonly at: number;
  /** Cut or grown to this size; else `data` was written at `offset`. */
  readonly size?: number;
  readonly offset: number;
  readonly data: Buffer;
  flushed: boolean;
}

export interface ShimEvent {
  readonly kind: string;
  readonly fields: readonly string[];
  readonly data: Buffer;
}

/** Where a store lies. */
interface Place {
  readonly directory: string;
}

/**
 * Losses of power: a library that is preloaded into a process writes down what that writes and
 * flushes, and the files of its stores are rebuilt as a disk may have them that lost its power.
 */
export class PowerLoss {
  readonly #root: string;
  readonly #library: string;

  /** @throws {TypeError} where that cannot be done */
  constructor(root: string) {
    this.#root = root;
    this.#library = compileShim(root);
  }

  record(number: number): Recording {
    return new Recording(this.#root, this.#library, number);
  }
}

export interface Losses<P> {
  /** Writes that were dropped or torn. */
  readonly lost: number;
  /** Where the power went before the process: what that was told since is not there. */
  readonly early: readonly P[];
}

/** What one process writes and flushes. */
export class Recording {
  readonly env: NodeJS.ProcessEnv;
  readonly #log: string;
  readonly #bases: string;
  #begun: readonly Place[] = [];

  constructor(root: string, library: string, number: number) {
    this.#log = join(root, `events-${number}`);
    this.#bases = join(root, `bases-${number}`);
    this.env = {
      LD_PRELOAD: library,
      JDBX_SHIM_DIR: `${root}/life-`,
      JDBX_SHIM_ACK: join(root, 'nothing'),
      JDBX_SHIM_LOG: this.#log,
    };
  }

  /** The process is about to open these stores. */
  begin(places: readonly Place[]): void {
    mkdirSync(this.#bases);
    places.forEach(({ directory }, at) => {
      cpSync(join(directory, 'store'), join(this.#bases, String(at)), { recursive: true });
    });
    this.#begun = places;
  }

  /**
   * Rebuilds the stores in these places as they are when the power goes together with the
   * process, or, more often, went before it, just when something was to be flushed.
   */
  lose<P extends Place>(places: readonly P[], random: () => number): Losses<P> {
    const events = existsSync(this.#log) ? readEvents(readFileSync(this.#log)) : [];
    const count = { lost: 0 };
    const early: P[] = [];
    for (const place of places) {
      const { directory } = place;
      const own = events.filter(({ fields }) =>
        fields.some((field) => field.startsWith(`${directory}/`)),
      );
      const isEarly = random() < EARLY_PART;
      if (isEarly) early.push(place);
      const files = writesIn(isEarly ? own.slice(0, unsafeMoment(own, random)) : own);
      const store = join(directory, 'store');
      const base = this.#begun.findIndex((each) => each.directory === directory);
      rmSync(store, { recursive: true });
      cpSync(join(this.#bases, String(base)), store, { recursive: true });
      for (const [path, writes] of files) {
        const name = relative(store, path);
        if (!name.startsWith('..')) rebuild(join(store, name), writes, random, count);
      }
      // Memory that processes share does not outlive the machine.
      for (const name of readdirSync(store)) if (name.endsWith('-lock')) rmSync(join(store, name));
    }
    rmSync(this.#bases, { recursive: true, force: true });
    rmSync(this.#log, { force: true });
    return { ...count, early };
  }
}

/** Just before a flush: there is something then that may be lost. */
function unsafeMoment(events: readonly ShimEvent[], random: () => number): number {
  const flushes = events.flatMap(({ kind }, at) => (kind === 'B' ? [at] : []));
  return flushes[Math.floor(random() * flushes.length)] ?? events.length;
}

function compileShim(directory: string): string {
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
function rebuild(
  path: string,
  writes: readonly Write[],
  random: () => number,
  count: { lost: number },
): void {
  let file: Buffer = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  for (const write of writes) {
    const fate = write.flushed ? 0 : random();
    if (fate > 0.33) count.lost++;
    if (fate > 0.66) continue;
    if (write.size !== undefined) file = resize(file, write.size);
    else {
      file = resize(file, Math.max(file.length, write.offset + write.data.length));
      if (fate <= 0.33) write.data.copy(file, write.offset);
      else tear(file, write, random);
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
