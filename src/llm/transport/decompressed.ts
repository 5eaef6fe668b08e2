import { PassThrough, pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/**
 * A body as it was before its `Content-Encoding`. We ask for no compression; some
 * gateways compress all the same. An encoding that is not known leaves the bytes as
 * they are, and they are then refused as no JSON.
 */
export function decompressed(body: Readable, encoding: string | null): Readable {
  const steps = (encoding ?? '').split(',').map((name) => DECODERS[name.trim().toLowerCase()]);
  const decoders = steps.filter((step) => step !== undefined).reverse();
  if (decoders.length === 0) return body;
  const out = new PassThrough();
  // The error of any step reaches whoever reads the last one.
  pipeline([body, ...decoders.map((create) => create()), out], () => {});
  return out;
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};
