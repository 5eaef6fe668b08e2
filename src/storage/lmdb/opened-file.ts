import type { PageReader } from './page-reader.js';
import type { Tables } from './tables.js';

/**
 * One opening of the store's file. After a compaction snapshots may still stand on the file
 * that was replaced, which has no name any more: it stays mapped until the last of them goes.
 */
export class OpenedFile {
  readonly tables: Tables;
  /** To read many documents at a stroke; undefined where they are read one by one. */
  readonly pages: PageReader | undefined;
  #users = 1;
  #closing: Promise<void> | undefined;

  /** The maker is the first user. */
  constructor(tables: Tables, pages?: PageReader) {
    this.tables = tables;
    this.pages = pages;
  }

  take(): this {
    this.#users++;
    return this;
  }

  release(): void {
    // What fails is a file that is gone already: nobody is there to hear of it.
    if (--this.#users === 0) this.close().catch(() => {});
  }

  /** At once, whoever uses it. */
  close(): Promise<void> {
    if (!this.#closing) this.pages?.close();
    this.#closing ??= this.tables.root.close();
    return this.#closing;
  }
}
