import { extname } from 'node:path';
import type { Line, TextFormat } from './contract.js';
import { malformed } from './faults.js';

const ENDINGS: Readonly<Record<string, TextFormat>> = {
  '.json': 'json',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
};

/** The format that a file's ending names. */
export function formatOfName(name: string): TextFormat | undefined {
  return ENDINGS[extname(name).toLowerCase()];
}

/**
 * The format of text by its first line that is not blank.
 *
 * @throws {JdbxError} INVALID_IMPORT when that tells nothing
 */
export function sniffFormat(lines: readonly Line[], delimiter: string): TextFormat | undefined {
  const first = lines.find(({ text }) => text.trim() !== '');
  if (!first) return undefined;
  const text = first.text.trim();
  if (text.startsWith('[')) return 'json';
  if (text.startsWith('{')) return isJson(text) ? 'jsonl' : 'json';
  if (text.includes(delimiter)) return 'csv';
  throw malformed(first.number, 'expected JSON, JSON lines or CSV; name the format if it is one');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
