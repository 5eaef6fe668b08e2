import type { Document, NewDocument } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { Value, ValueObject } from '../base/values.js';
import { evaluate } from '../query/expression.js';
import type { MergeOutput, Output } from '../query/output.js';
import { ownValue, splitPath } from '../query/paths.js';
import { updateByPipeline } from '../query/update-pipeline.js';
import type { Query } from './contract.js';

/** What the results are written into: the verbs of a transaction. */
export interface OutputTarget {
  get(id: string): Document | undefined;
  find(query: Query): Document[];
  put(document: NewDocument): Document;
  remove(id: string): unknown;
}

/**
 * Writes the results of an aggregation into a workspace, to be committed with it.
 *
 * @throws {JdbxError} INVALID_DOCUMENT, DUPLICATE_ID, DUPLICATE_KEY, MISSING_DOCUMENT, and what `put` throws
 */
export function writeOutput(
  into: OutputTarget,
  results: readonly unknown[],
  output: Output,
  nowMs: number,
): void {
  const documents = results.map((result) => toDocument(result, output.type));
  if (output.kind === 'merge') {
    if (output.on.join() !== '_id') checkUniqueOn(into, output);
    for (const document of documents) mergeOne(into, document, output, nowMs);
    return;
  }
  replaceAll(into, documents, output.type);
}

/** A result as a document of the type: the revision that it may carry was another one's. */
function toDocument(result: unknown, type: string): NewDocument {
  const { _rev, ...fields } = result as Document;
  return { ...fields, _type: type } as NewDocument;
}

/** What is not among the results goes. */
function replaceAll(into: OutputTarget, documents: readonly NewDocument[], type: string): void {
  const kept = new Set(documents.map(({ _id }) => _id));
  if (kept.size < documents.filter(({ _id }) => _id !== undefined).length)
    throw new JdbxError('DUPLICATE_ID', 'expected results with different ids', {
      operation: '$out',
    });
  for (const { _id } of into.find({ filter: { _type: type }, projection: { _id: 1 } })) {
    if (!kept.has(_id)) into.remove(_id);
  }
  for (const document of documents) put(into, document);
}

/** Ids are one space: a result must not take the place of a document of another type. */
function put(into: OutputTarget, document: NewDocument): void {
  const before = document._id === undefined ? undefined : into.get(document._id);
  if (before && before._type !== document._type) {
    throw new JdbxError(
      'DUPLICATE_ID',
      `expected an id of ${document._type}, got ${before._id} of ${before._type}`,
      { details: { id: before._id } },
    );
  }
  into.put(document);
}

function mergeOne(
  into: OutputTarget,
  document: NewDocument,
  output: MergeOutput,
  nowMs: number,
): void {
  const target = targetOf(into, document, output);
  const next = target
    ? matched(target, document, output, nowMs)
    : void notMatched(into, document, output);
  if (!target || !next) return;
  if (next._id !== undefined && next._id !== target._id)
    throw new JdbxError('INVALID_UPDATE', '_id cannot be changed', { path: '_id' });
  into.put({ ...next, _id: target._id, _type: target._type, _rev: target._rev });
}

function targetOf(
  into: OutputTarget,
  document: NewDocument,
  { type, on }: MergeOutput,
): Document | undefined {
  if (on.join() === '_id') {
    const found = document._id === undefined ? undefined : into.get(document._id);
    return found?._type === type ? found : undefined;
  }
  const filter = Object.fromEntries(on.map((path) => [path, { $eq: keyAt(document, path) }]));
  return into.find({ filter: { _type: type, ...filter }, limit: 1 })[0];
}

/** What documents are told apart by: a value that is there and is one. */
function keyAt(document: NewDocument, path: string): Value {
  const value = splitPath(path).reduce<unknown>(ownValue, document);
  if (value !== undefined && value !== null && !Array.isArray(value)) return value as Value;
  throw new JdbxError('INVALID_DOCUMENT', 'expected a value to merge on', { path });
}

/** Only then is there one document at most to merge with. */
function checkUniqueOn(into: OutputTarget, { type, on }: MergeOutput): void {
  const wanted = on.toSorted().join();
  const keys = (index: Document) =>
    Object.keys(index.key as object)
      .toSorted()
      .join();
  const indexes = into.find({ filter: { _type: 'index', type, unique: true, partial: null } });
  if (indexes.some((index) => keys(index) === wanted)) return;
  throw new JdbxError('INVALID_EXPRESSION', `expected a unique index of ${type} over ${wanted}`, {
    path: '$merge.on',
  });
}

function matched(
  target: Document,
  document: NewDocument,
  { whenMatched, variables }: MergeOutput,
  now: number,
): Partial<NewDocument> | undefined {
  if (whenMatched === 'keepExisting') return undefined;
  if (whenMatched === 'replace') return document;
  if (whenMatched === 'merge') return { ...target, ...document };
  if (whenMatched === 'fail') {
    throw new JdbxError(
      'DUPLICATE_KEY',
      `expected no document to merge with, found ${target._id}`,
      {
        details: { id: target._id },
      },
    );
  }
  const bound = Object.entries(variables).map(([name, expression]) => [
    name,
    evaluate(expression, document, { now }),
  ]);
  return updateByPipeline(
    target as ValueObject,
    whenMatched,
    now,
    Object.fromEntries(bound),
  ) as NewDocument;
}

function notMatched(into: OutputTarget, document: NewDocument, { whenNotMatched }: MergeOutput) {
  if (whenNotMatched === 'discard') return;
  if (whenNotMatched === 'fail') {
    throw new JdbxError('MISSING_DOCUMENT', 'expected a document to merge with', {
      details: { id: document._id },
    });
  }
  put(into, document);
}
