import { isUtf8 } from 'node:buffer';
import type { Line } from './contract.js';
import { malformed } from './faults.js';

/** Twice what a document may hold. A longer line, record or value is refused, not collected. */
export const TEXT_MAX = 32 * 2 ** 20;

const NEWLINE = 0x0a;

/**
 * Cuts UTF-8 bytes into lines, as many at a time as a chunk of bytes completes. A byte
 * order mark at the start is left out.
 *
 * @throws {JdbxError} INVALID_IMPORT for bytes that are not UTF-8, and for a line over the limit
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line[]> {
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  let number = 1;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const lines = toLines(Buffer.concat([...begun, chunk.subarray(0, end)]), number);
      number += lines.length;
      begun = [];
      begunBytes = 0;
      yield lines;
    }
    // Copied, since whoever made the chunk may use its memory again.
    if (end < chunk.length) begun.push(Uint8Array.from(chunk.subarray(end)));
    begunBytes += chunk.length - end;
    if (begunBytes > TEXT_MAX) throw tooLong(number);
  }
  if (begunBytes > 0) yield toLines(Buffer.concat(begun), number);
}

export function tooLong(line: number): Error {
  return malformed(line, `expected lines and documents of at most ${TEXT_MAX} characters`);
}

function toLines(bytes: Buffer, first: number): Line[] {
  checkUtf8(bytes, first);
  const texts = bytes.toString('utf8').split(/(?<=\n)/);
  if (first === 1 && texts[0]?.startsWith('\ufeff')) texts[0] = texts[0].slice(1);
  return texts.map((text, index) => {
    if (text.length > TEXT_MAX) throw tooLong(first + index);
    return { number: first + index, text };
  });
}

function checkUtf8(bytes: Buffer, first: number): void {
  if (isUtf8(bytes)) return;
  let line = first;
  for (let at = 0; at < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline === -1 ? bytes.length : newline + 1;
    if (!isUtf8(bytes.subarray(at, end))) throw malformed(line, 'expected UTF-8 text');
    at = end;
  }
}
