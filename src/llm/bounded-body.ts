export interface BoundedBody {
  readonly text: string;
  /** True when the body went on past the bound; the rest was never read. */
  readonly cut: boolean;
}

/**
 * Reads a response's body as UTF-8, at most `bytesMax` bytes of it (counted
 * after decompression). Past the bound the connection is dropped, so an endless
 * answer costs no more than the bound. Bytes that are not UTF-8 become U+FFFD.
 */
export async function readBoundedBody(response: Response, bytesMax: number): Promise<BoundedBody> {
  if (!response.body) return { text: '', cut: false };
  const chunks: Uint8Array[] = [];
  let room = bytesMax;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk.subarray(0, room));
    room -= chunk.byteLength;
    // Leaving the loop cancels the stream, which closes the socket.
    if (room < 0) break;
  }
  return { text: new TextDecoder().decode(Buffer.concat(chunks)), cut: room < 0 };
}
