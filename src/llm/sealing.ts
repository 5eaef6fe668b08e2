import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { JdbxError } from '../base/errors.js';

/** A secret that only the holder of the key can read. All parts in base64. */
export interface Sealed {
  readonly alg: 'aes-256-gcm';
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

export const SEAL_KEY_BYTES = 32;
/** What AES-GCM is meant for (https://doi.org/10.6028/NIST.SP.800-38D, section 8.2). */
const IV_BYTES = 12;

/**
 * Seals a secret for one credential document: copied into another, it cannot be opened.
 *
 * @param id the `_id` of the credential document
 * @param key 32 bytes
 */
export function seal(secret: string, id: string, key: Uint8Array): Sealed {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', checkKey(key), iv).setAAD(Buffer.from(id));
  const data = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  const [tag, text] = [cipher.getAuthTag(), data].map((bytes) => bytes.toString('base64'));
  return {
    alg: 'aes-256-gcm',
    iv: iv.toString('base64'),
    tag: tag as string,
    data: text as string,
  };
}

/**
 * @throws {JdbxError} CREDENTIAL_MISSING when the store was opened without the key, with
 * another one, or when the document was changed or copied
 */
export function unseal(sealed: Sealed, id: string, key: Uint8Array | undefined): string {
  checkTag(sealed, id);
  if (!key) throw missing(id, 'is sealed, and the store was opened without a sealKey');
  const opener = checkKey(key);
  const [iv, tag, data] = [sealed.iv, sealed.tag, sealed.data].map((text) =>
    Buffer.from(text, 'base64'),
  ) as [Buffer, Buffer, Buffer];
  try {
    const decipher = createDecipheriv('aes-256-gcm', opener, iv);
    decipher.setAAD(Buffer.from(id)).setAuthTag(tag);
    return Buffer.concat([decipher.update(data), decipher.final()]).toString('utf8');
  } catch {
    // The reason of a failed check says nothing more, and must not quote what it checked.
    throw missing(id, 'cannot be opened: it was sealed with another key, changed, or copied');
  }
}

/** A shorter tag is weaker, and whoever can write the document could choose it. */
function checkTag({ tag }: Sealed, id: string): void {
  if (Buffer.from(tag, 'base64').length !== 16) throw missing(id, 'has a tag of another length');
}

function checkKey(key: Uint8Array): Uint8Array {
  if (key.byteLength === SEAL_KEY_BYTES) return key;
  throw new TypeError(`sealKey: expected ${SEAL_KEY_BYTES} bytes, got ${key.byteLength}`);
}

function missing(id: string, text: string): JdbxError {
  return new JdbxError('CREDENTIAL_MISSING', `"${id}" ${text}`, { path: 'credentials_ref' });
}
