export interface BoundedBody {
  readonly text: string;
  /** True when the body went on past the bound; the rest was never read. */
  readonly cut: boolean;
}

/**
 * Reads a body as UTF-8, at most `bytesMax` bytes of it (counted after
 * decompression). Past the bound the connection is dropped, so an endless
 * answer costs no more than the bound. Bytes that are not UTF-8 become U+FFFD.
 */
export async function readBoundedBody(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<BoundedBody> {
  const chunks: Uint8Array[] = [];
  let room = bytesMax;
  for await (const chunk of body) {
    chunks.push(chunk.byteLength > room ? chunk.subarray(0, room) : chunk);
    room -= chunk.byteLength;
    // Leaving the loop destroys the body, which closes the socket.
    if (room < 0) break;
  }
  return { text: new TextDecoder().decode(joined(chunks)), cut: room < 0 };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}
