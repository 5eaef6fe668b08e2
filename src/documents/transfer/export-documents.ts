import type { Document } from '../../base/document.js';
import { stringifyValue } from '../../base/extended-json.js';
import { compareStrings } from '../../base/order.js';
import type { Filter } from '../contract.js';
import { findDocuments } from '../querying.js';
import type { View } from '../view.js';
import { type ExportOptions, TEXT_FORMATS } from './contract.js';
import { oneOf } from './import-options.js';
import { csvTexts } from './write-csv.js';

/** Pieces of text are gathered up to this many characters. */
const PIECE_CHARACTERS = 64 * 2 ** 10;

/**
 * The documents that match, as text, in the order of their ids. Everything is read from one
 * snapshot, taken when the first piece is asked for, and held until the last.
 */
export function exportDocuments(
  open: () => View,
  filter: Filter,
  { format = 'jsonl' }: ExportOptions,
): AsyncIterable<string> {
  oneOf(format, TEXT_FORMATS, 'format');
  const write = { json: jsonTexts, jsonl: jsonLines, csv: csvTexts }[format];
  return inPieces(open, (view) => write(() => documentsIn(view, filter)));
}

async function* inPieces(
  open: () => View,
  texts: (view: View) => Iterable<string>,
): AsyncGenerator<string> {
  const view = open();
  try {
    let piece = '';
    for (const text of texts(view)) {
      piece += text;
      if (piece.length < PIECE_CHARACTERS) continue;
      yield piece;
      piece = '';
    }
    if (piece !== '') yield piece;
  } finally {
    view.close();
  }
}

/** Only ids are held, and none when everything is asked for: the engine has that in order. */
function* documentsIn(view: View, filter: Filter): Generator<Document> {
  if (Object.keys(filter).length === 0) {
    for (const { document } of view.engine.documents()) yield document;
    return;
  }
  const ids = findDocuments(view, { filter, projection: { _id: 1 } }).map(({ _id }) => _id);
  for (const id of ids.sort(compareStrings)) yield view.get(id) as Document;
}

function* jsonLines(documents: () => Iterable<Document>): Generator<string> {
  for (const document of documents()) yield `${stringifyValue(document)}\n`;
}

function* jsonTexts(documents: () => Iterable<Document>): Generator<string> {
  let before = '[\n';
  for (const document of documents()) {
    yield before + stringifyValue(document);
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}
