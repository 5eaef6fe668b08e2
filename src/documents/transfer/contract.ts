import type { NewDocument } from '../../base/document.js';
import type { Draft } from '../draft.js';
import type { View } from '../view.js';

/** `json`: one array of documents, or documents one after the other. `jsonl`: one on each line. */
export type TextFormat = 'json' | 'jsonl' | 'csv';
export const TEXT_FORMATS: readonly TextFormat[] = ['json', 'jsonl', 'csv'];

/** The path of a file, text in memory, or a stream of UTF-8 bytes or of text. */
export type ImportSource = string | { readonly text: string } | AsyncIterable<Uint8Array | string>;

export interface ImportOptions {
  /** Default: by the file's ending, else by how the text begins. */
  readonly format?: TextFormat | undefined;
  /** Fills `_type` where the text says none. */
  readonly type?: string | undefined;
  /**
   * Makes every `_id`: a field, so that `sku` gives `${_type}:${sku}`, or a template such as
   * `item:{shop}-{sku}`, where `{#}` is the line. Default: the text's own `_id`, else a fresh one.
   */
  readonly id?: string | undefined;
  /** `put` (default) replaces what is there, `insert` refuses it with DUPLICATE_ID. */
  readonly mode?: 'put' | 'insert' | undefined;
  /** CSV only. `infer` (default) reads `1.5` and `true` as they would be written; `text` keeps text. */
  readonly types?: 'infer' | 'text' | undefined;
  /** CSV only. One character, default a comma. */
  readonly delimiter?: string | undefined;
  /** A `_rev` in the text must be the current revision. Default false: it is ignored. */
  readonly checkRev?: boolean | undefined;
  /** One commit for everything, at most 10,000 documents. Default false: one for each 1,000. */
  readonly atomic?: boolean | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImportProgress {
  /** Text that can be read twice is checked to its end before anything is written. */
  readonly phase: 'check' | 'write';
  readonly documents: number;
  /** Bytes of text read in this phase. */
  readonly bytes: number;
  /** Bytes of text in all, where that is known. */
  readonly totalBytes?: number | undefined;
}

export interface ImportResult {
  /** Documents of the text that the store now holds. */
  readonly documents: number;
  /** Those of them that it held already, equal in every field: they got no new revision. */
  readonly unchanged: number;
  /** Audit documents in the text: the trail of a store is written by that store alone. */
  readonly skipped: number;
  /** Bytes of text. */
  readonly bytes: number;
  readonly durationMs: number;
}

export interface ExportOptions {
  /** Default `jsonl`. */
  readonly format?: TextFormat | undefined;
}

/** What an import needs of the database. */
export interface ImportTarget {
  view(): View;
  submit<T>(plan: (draft: Draft) => T): Promise<T>;
  /** Checks a document's own rules. @throws {JdbxError} */
  check(document: NewDocument): void;
  /** Checks a document against the schema of its type, as it is now. @throws {JdbxError} */
  checkSchema(document: NewDocument): void;
}

/** One line of text, its ending included. */
export interface Line {
  /** 1, 2, 3 … */
  readonly number: number;
  readonly text: string;
}

/** One value that the text holds, meant to be a document. */
export interface Row {
  /** The line on which it begins. */
  readonly line: number;
  readonly value: unknown;
  /** How long its text is, in characters. */
  readonly size: number;
}
