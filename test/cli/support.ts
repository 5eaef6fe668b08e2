import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MANY = fileURLToPath(new URL('./many-commands.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the error stream has said `text`. */
  said(text: string): Promise<void>;
}

/** A command line, and what it finds at its standard input. */
export type Line = readonly string[] | { readonly line: readonly string[]; readonly input: string };

/** A directory for one test file: the store is in it, and other files may be. */
export class Place implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'jdbx-cli-'));
  readonly store = join(this.directory, 'store');

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Starts the program as a process of its own on this store. */
  start(args: readonly string[], input?: string, program = MAIN): Started {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, JDBX_STORE: this.store, JDBX_DEBUG: '' },
    });
    child.stdin.on('error', () => {});
    if (input !== undefined) child.stdin.end(input);
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    let isOver = false;
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        isOver = true;
        resolve({ code, signal, out, err });
      });
    });
    const said = async (text: string) => {
      while (!err.includes(text)) {
        if (isOver) throw new Error(`ended without "${text}": ${err}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    return { child, ended, said };
  }

  run(args: readonly string[], input = ''): Promise<Ended> {
    return this.start(args, input).ended;
  }

  /** Runs command lines one after the other in one process, which is much faster. */
  runMany(lines: readonly Line[]): Promise<Ended> {
    return this.start([], JSON.stringify(lines), MANY).ended;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** JSON lines, as a command prints them when piped. */
export function linesOf<T = Record<string, unknown>>({ out }: Ended): T[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
