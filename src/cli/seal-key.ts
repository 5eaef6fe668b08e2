import { UsageError } from './usage-error.js';

/** Where commands find the key that opens sealed credentials. */
export const SEAL_KEY_ENV = 'JDBX_SEAL_KEY';

const KEY_BYTES = 32;

/**
 * The key in the environment, as base64 or hexadecimal; undefined where there is none.
 *
 * @throws {UsageError} for one of another length; it is not quoted
 */
export function readSealKey(env: NodeJS.ProcessEnv = process.env): Uint8Array | undefined {
  const text = env[SEAL_KEY_ENV]?.trim();
  if (!text) return undefined;
  const encoding = /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64';
  const key = Buffer.from(text, encoding);
  if (key.length === KEY_BYTES) return key;
  throw new UsageError(
    `expected ${SEAL_KEY_ENV} to hold ${KEY_BYTES} bytes in base64 or hexadecimal`,
  );
}
