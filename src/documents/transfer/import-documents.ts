import { isJdbxError, JdbxError } from '../../base/errors.js';
import { compareValues } from '../../base/order.js';
import type { ValueObject } from '../../base/values.js';
import { TRANSACTION_CHANGES_MAX } from '../batch.js';
import type { Draft } from '../draft.js';
import type { TakenDocument } from '../take-document.js';
import type { ImportOptions, ImportResult, ImportSource, ImportTarget } from './contract.js';
import { placed } from './faults.js';
import { readImportOptions } from './import-options.js';
import { type Prepared, Preparer, StoreChecks } from './preparer.js';
import { Pass } from './rows.js';
import { type Origin, openSource } from './source.js';

/** A commit is written when it holds this many documents, or this much of the text. */
const COMMIT_DOCUMENTS = 1_000;
const COMMIT_CHARACTERS = 8 * 2 ** 20;

/**
 * Writes the documents of a text. A file, or text in memory, is read twice: once to its end to
 * find its faults, and if it has none, again to write it. A stream is written as it comes.
 */
export async function importDocuments(
  target: ImportTarget,
  source: ImportSource,
  input: ImportOptions,
): Promise<ImportResult> {
  const startedAt = performance.now();
  const options = readImportOptions(input);
  const origin = await openSource(source);
  if (origin.replayable && !options.atomic) {
    await checkText(target, origin, options).catch((error) => {
      throw placed(error, { imported: 0 });
    });
  }
  const written = await writeText(target, origin, options);
  return { ...written, durationMs: performance.now() - startedAt };
}

async function checkText(target: ImportTarget, origin: Origin, options: ImportOptions) {
  const checks = new StoreChecks(target, options.mode);
  let documents = 0;
  for await (const { prepared, bytes } of preparedRows(target, origin, options)) {
    checks.check(prepared);
    documents += prepared.length;
    options.onProgress?.({ phase: 'check', documents, bytes, totalBytes: origin.totalBytes });
  }
  checks.end();
}

async function writeText(target: ImportTarget, origin: Origin, options: ImportOptions) {
  const commits = new Commits(target, options);
  let last: Progress = { skipped: 0, bytes: 0 };
  const tell = () => {
    const { documents } = commits;
    const { totalBytes } = origin;
    options.onProgress?.({ phase: 'write', documents, bytes: last.bytes, totalBytes });
  };
  try {
    for await (const { prepared, ...progress } of preparedRows(target, origin, options)) {
      for (const each of prepared) await commits.add(each);
      last = progress;
      tell();
    }
    await commits.write();
    tell();
  } catch (error) {
    throw placed(error, { imported: commits.documents });
  }
  const { documents, unchanged } = commits;
  return { documents, unchanged, ...last };
}

interface Progress {
  readonly skipped: number;
  readonly bytes: number;
}

async function* preparedRows(
  target: ImportTarget,
  origin: Origin,
  options: ImportOptions,
): AsyncGenerator<Progress & { readonly prepared: readonly Prepared[] }> {
  const pass = new Pass(origin, options);
  const preparer = new Preparer(target, options);
  for await (const rows of pass.rows()) {
    const prepared = rows.flatMap((row) => preparer.prepare(row) ?? []);
    yield { prepared, skipped: preparer.skipped, bytes: pass.bytes };
  }
}

/** Collects documents into commits, each of them atomic. */
class Commits {
  readonly #target: ImportTarget;
  readonly #options: ImportOptions;
  #waiting: Prepared[] = [];
  #size = 0;
  documents = 0;
  unchanged = 0;

  constructor(target: ImportTarget, options: ImportOptions) {
    this.#target = target;
    this.#options = options;
  }

  async add(prepared: Prepared): Promise<void> {
    this.#waiting.push(prepared);
    this.#size += prepared.size;
    if (this.#options.atomic) checkAtomic(this.#waiting.length);
    else if (this.#isFull()) await this.write();
  }

  #isFull(): boolean {
    return this.#waiting.length >= COMMIT_DOCUMENTS || this.#size >= COMMIT_CHARACTERS;
  }

  async write(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#options.signal?.throwIfAborted();
    this.#waiting = [];
    this.#size = 0;
    try {
      const { mode } = this.#options;
      this.unchanged += await this.#target.submit((draft) => writeAll(draft, waiting, mode));
    } catch (error) {
      throw placed(error, { line: lineOf(error, waiting) });
    }
    this.documents += waiting.length;
  }
}

function checkAtomic(documents: number): void {
  if (documents <= TRANSACTION_CHANGES_MAX) return;
  throw new JdbxError(
    'TRANSACTION_TOO_LARGE',
    `expected at most ${TRANSACTION_CHANGES_MAX} documents in an atomic import`,
    { operation: 'import' },
  );
}

/** Returns how many documents the store held already. */
function writeAll(draft: Draft, waiting: readonly Prepared[], mode: ImportOptions['mode']): number {
  let unchanged = 0;
  for (const { taken, line } of waiting) {
    try {
      if (mode === 'insert') draft.insert(taken);
      else if (isHeld(draft, taken)) unchanged++;
      else draft.put(taken);
    } catch (error) {
      throw placed(error, { line });
    }
  }
  return unchanged;
}

function isHeld(draft: Draft, { id, type, rev, fields }: TakenDocument): boolean {
  const current = draft.get(id);
  if (!current || rev !== undefined) return false;
  const same = compareValues(contentOf(current), contentOf(fields)) === 0;
  return same && current._type === type;
}

/** Without what the store itself fills in. */
function contentOf({ _id, _type, _rev, ...content }: ValueObject): ValueObject {
  return content;
}

/** The line of the document that a refused commit names, if it names one. */
function lineOf(error: unknown, waiting: readonly Prepared[]): number | undefined {
  const id = isJdbxError(error) ? error.details?.id : undefined;
  return waiting.find(({ taken }) => taken.id === id)?.line;
}
