import type { AnswerBody } from './answering.js';

export interface BoundedBody {
  readonly text: string;
  /** True when the body went on past the bound; the rest was never read. */
  readonly cut: boolean;
}

const DECODER = new TextDecoder();

/**
 * Reads a body as UTF-8, at most `bytesMax` bytes of it (counted after
 * decompression). Past the bound the connection is dropped, so an endless
 * answer costs no more than the bound. Bytes that are not UTF-8 become U+FFFD.
 *
 * @param moved called with each piece of a body that does not come at once
 */
export function readBoundedBody(
  body: AnswerBody,
  bytesMax: number,
  moved?: () => void,
): BoundedBody | Promise<BoundedBody> {
  const all = body.all();
  const isShort = all !== undefined && bytesIn(all) <= bytesMax;
  return isShort ? { text: textOf(all), cut: false } : readOn(body, bytesMax, moved);
}

function bytesIn(chunks: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { byteLength } of chunks) bytes += byteLength;
  return bytes;
}

async function readOn(
  body: AnswerBody,
  bytesMax: number,
  moved?: () => void,
): Promise<BoundedBody> {
  const chunks: Uint8Array[] = [];
  let room = bytesMax;
  try {
    await body.each((chunk) => {
      moved?.();
      chunks.push(chunk.byteLength > room ? chunk.subarray(0, room) : chunk);
      room -= chunk.byteLength;
      if (room < 0) throw FULL;
    });
  } catch (error) {
    if (error !== FULL) throw error;
  }
  return { text: textOf(chunks), cut: room < 0 };
}

const FULL = new Error('the bound is reached');

function textOf(chunks: readonly Uint8Array[]): string {
  return DECODER.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
}
