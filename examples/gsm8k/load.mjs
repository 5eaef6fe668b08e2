import { readFile } from 'node:fs/promises';
import {
  DEFINITIONS,
  integrationOf,
  questionOf,
  realIntegrationOf,
  recordedCallOf,
} from './documents.mjs';

const COMMIT_DOCUMENTS = 1_000;

/** The rows of a file of JSON lines: `{ question, ground_truth, MODEL: { is_correct, solution } … }`. */
export async function readRows(path) {
  const lines = (await readFile(path, 'utf8')).split('\n');
  return lines.flatMap((line, at) => (line.trim() === '' ? [] : [readRow(line, path, at + 1)]));
}

/** The models that a row holds answers of. */
export function modelsOf(row) {
  return Object.keys(row).filter((name) => typeof row[name]?.solution === 'string');
}

/** Stores definitions, questions and recorded calls; what is there already is left as it is. */
export async function load(store, rows, delayMs, real) {
  const models = modelsOf(rows[0]);
  const integrations = models.map((model) => integrationOf(model, delayMs));
  const asked = real ? [real.credential, realIntegrationOf(real)] : [];
  await putChanged(store, [...DEFINITIONS, ...integrations, ...asked]);
  const data = rows.flatMap((row, at) => documentsOf(row, at + 1, models, delayMs));
  for (let at = 0; at < data.length; at += COMMIT_DOCUMENTS) {
    await insertMissing(store, data.slice(at, at + COMMIT_DOCUMENTS));
  }
  return models;
}

function documentsOf(row, n, models, delayMs) {
  const calls = models.map((model) => recordedCallOf(model, n, row[model], delayMs));
  return [questionOf(n, row), ...calls];
}

async function putChanged(store, documents) {
  const stored = await store.getMany(documents.map(({ _id }) => _id));
  // An index is a definition that must be committed alone, hence one at a time.
  for (const [at, document] of documents.entries()) {
    if (!sameBody(stored[at], document)) await store.put(document);
  }
}

async function insertMissing(store, documents) {
  const stored = await store.getMany(documents.map(({ _id }) => _id));
  const other = documents.find(
    ({ text, response }, at) =>
      stored[at] && (stored[at].text !== text || stored[at].response?.text !== response?.text),
  );
  if (other) throw new Error(`${other._id}: this store holds other data; use another --store`);
  const missing = documents.filter((_, at) => stored[at] === undefined);
  if (missing.length > 0) await store.insert(missing);
}

function sameBody(stored, document) {
  if (!stored) return false;
  const { _rev, ...body } = stored;
  return JSON.stringify(sorted(body)) === JSON.stringify(sorted(document));
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function readRow(line, path, number) {
  try {
    const row = JSON.parse(line);
    if (typeof row.question === 'string' && typeof row.ground_truth === 'string') return row;
  } catch (cause) {
    throw new Error(`${path}, line ${number}: ${cause.message}`, { cause });
  }
  throw new Error(`${path}, line ${number}: expected { question, ground_truth, … }`);
}
