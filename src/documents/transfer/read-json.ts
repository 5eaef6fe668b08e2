import type { Line, Row } from './contract.js';
import { JsonSplitter } from './json-splitter.js';

/** JSON: one array of documents, or documents one after the other, however they are laid out. */
export async function* readJson(lines: AsyncIterable<Line[]>): AsyncGenerator<Row[]> {
  const splitter = new JsonSplitter();
  let last = 1;
  for await (const batch of lines) {
    yield batch.flatMap((line) => splitter.push(line));
    last = batch.at(-1)?.number ?? last;
  }
  splitter.end(last);
}
