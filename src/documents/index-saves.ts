import { readdirSync, rmSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { IndexFiles, OrderedIndex } from '../indexes/contract.js';

/** What a saved index says of itself, in its file's label. */
export interface SaveLabel {
  /** The commit that it shows. */
  readonly seq: number;
  /** Names that commit's content, so that a save of another history is never taken for ours. */
  readonly mark: string;
  /** Documents from this ref on are not in it. */
  readonly nextRef: number;
  /** What its keys are made from (`definition-key.ts`). */
  readonly definition: string;
  readonly multikey: boolean;
}

/** The commit that a round shows. */
export type SavedCommit = Pick<SaveLabel, 'seq' | 'mark' | 'nextRef'>;

/** One index to be saved. */
export interface SaveItem {
  readonly index: OrderedIndex;
  readonly definition: string;
  readonly multikey: boolean;
}

/** An index out of a file, and what the file says of it. */
export interface SavedIndex {
  readonly index: OrderedIndex;
  readonly label: SaveLabel;
}

const UNDER_WAY = 'writing-';
const SUFFIX = '.index';

/**
 * The saved indexes of a store. All those of one commit are a round, in a directory that
 * is written under another name first:
 *
 *   indexes/
 *     writing-4711/        by the process 4711, under way or killed
 *     20384/               the round of commit 20384
 *       3f0c….index        one index (`native/image.h`), named by its definition
 *
 * A round may be gone, damaged or too old at any time: then indexes are built anew.
 */
export class IndexSaves {
  readonly files: IndexFiles;
  readonly #directory: string;

  constructor(directory: string, files: IndexFiles) {
    this.#directory = directory;
    this.files = files;
  }

  /** The commits that have a round, newest first. */
  rounds(): number[] {
    return this.#names()
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((left, right) => right - left);
  }

  /** Reads the front of a saved index alone. */
  label(round: number, definition: string): SaveLabel | undefined {
    const text = this.files.readLabel(this.#file(String(round), definition));
    if (text === undefined) return undefined;
    const label = JSON.parse(text) as SaveLabel;
    return label.seq === round && label.definition === definition ? label : undefined;
  }

  open(round: number, definition: string): OrderedIndex | undefined {
    const index = this.files.open(this.#file(String(round), definition));
    return index === 'damaged' ? undefined : index;
  }

  /** The definition keys of a round's files. */
  definitions(round: number): string[] {
    return namesIn(join(this.#directory, String(round)))
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length));
  }

  /** Reads one of them whole, and says when that is not what was written. */
  examine(round: number, definition: string): SavedIndex | 'damaged' | undefined {
    const index = this.files.open(this.#file(String(round), definition));
    if (index === undefined || index === 'damaged') return index;
    const label = this.label(round, definition);
    if (label) return { index, label };
    index.close();
    return undefined;
  }

  /**
   * Writes a round, and drops the older ones.
   *
   * @returns bytes on disk
   * @throws {Error} with the system's `code`; nothing of the round stays then
   */
  async write(items: readonly SaveItem[], commit: SavedCommit): Promise<number> {
    const name = `${UNDER_WAY}${process.pid}`;
    const place = join(this.#directory, name);
    try {
      await makeDirectory(this.#directory);
      await makeDirectory(place);
      let bytes = 0;
      for (const item of items) bytes += await this.#writeFile(name, item, commit);
      await flushDirectory(place);
      await rename(place, join(this.#directory, String(commit.seq)));
      await flushDirectory(this.#directory);
      await this.#dropBefore(commit.seq);
      return bytes;
    } catch (error) {
      await rm(place, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes what processes left behind that were killed while they wrote. */
  clear(): void {
    for (const name of this.#names()) {
      if (!name.startsWith(UNDER_WAY)) continue;
      const pid = Number(name.slice(UNDER_WAY.length));
      if (pid !== process.pid && isAlive(pid)) continue;
      removeQuietly(join(this.#directory, name));
    }
  }

  #writeFile(name: string, item: SaveItem, commit: SavedCommit): Promise<number> {
    const { index, definition, multikey } = item;
    const label: SaveLabel = { ...commit, definition, multikey };
    return this.files.save(index, this.#file(name, definition), commit.seq, JSON.stringify(label));
  }

  /** Whoever has one of them mapped keeps it until he closes. */
  async #dropBefore(seq: number): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!/^\d+$/.test(name) || Number(name) >= seq) continue;
      await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }

  #names(): string[] {
    return namesIn(this.#directory);
  }

  #file(round: string, definition: string): string {
    return join(this.#directory, round, `${definition}${SUFFIX}`);
  }
}

/** Not with its parents: a store whose directory was taken away is not begun anew. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A store that can only be read keeps its leftovers. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {}
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
