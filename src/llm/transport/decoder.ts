import { Duplex, pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/**
 * Gives a body back as it was before its `Content-Encoding`. We ask for no compression; some
 * gateways compress all the same. An encoding that is not known leaves the bytes as
 * they are, and they are then refused as no JSON.
 *
 * @returns undefined where there is nothing to decode
 */
export function decoderFor(encoding: string | null): Duplex | undefined {
  if (encoding === null) return undefined;
  const steps = encoding.split(',').map((name) => DECODERS[name.trim().toLowerCase()]);
  const decoders = steps.flatMap((create) => (create ? [create()] : [])).reverse();
  if (decoders.length < 2) return decoders[0];
  const [writable, readable] = [decoders[0], decoders.at(-1)];
  // The error of any step reaches whoever reads the last one.
  pipeline(decoders, () => {});
  return Duplex.from({ writable, readable });
}

const DECODERS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};
