import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { JdbxError } from '../../../base/errors.js';
import type { Post } from '../../transport/transport.js';

/**
 * Signs requests with AWS Signature Version 4, by the optional package
 * `@smithy/signature-v4` (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
 *
 * @param secret `ACCESS_KEY_ID:SECRET_ACCESS_KEY`, or with `:SESSION_TOKEN`
 * @throws {JdbxError} PACKAGE_MISSING when it is first used without the package
 */
export function signer(secret: string, region: string): NonNullable<Post['sign']> {
  const [accessKeyId = '', secretAccessKey = '', ...rest] = secret.split(':');
  const sessionToken = rest.length === 0 ? {} : { sessionToken: rest.join(':') };
  const credentials = { accessKeyId, secretAccessKey, ...sessionToken };
  return async ({ url, headers, body }) => {
    const { SignatureV4 } = await importSigner();
    const signature = new SignatureV4({ service: 'bedrock', region, credentials, sha256: Sha256 });
    const signed = await signature.sign({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: {},
      headers: { ...headers, host: url.host },
      body,
    });
    return signed.headers;
  };
}

async function importSigner() {
  try {
    return await import('@smithy/signature-v4');
  } catch (cause) {
    const text = 'expected the package @smithy/signature-v4: npm install @smithy/signature-v4';
    throw new JdbxError('PACKAGE_MISSING', text, { cause });
  }
}

/** SHA-256, or HMAC by it where there is a key, of what is fed to it. */
class Sha256 {
  readonly #secret: Uint8Array | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret);
    this.#hash = this.#begin();
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    return this.#secret ? createHmac('sha256', this.#secret) : createHash('sha256');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
