import { JdbxError } from '../base/errors.js';
import { isPlainObject } from '../base/values.js';
import { INTEGRATION_TYPES } from './integration.js';
import { isSecretName } from './secret-names.js';

/** Code, and examples for it: what stands there is no setting. */
const CODE = new Set([
  'request_transformer',
  'response_transformer',
  'stream_transformer',
  'error_handler',
  'tests',
]);

/** Names that a secret may have, and much else has as well. */
const COMMON = new Set(['key', 'value']);

/**
 * Checks when an integration or an embedder is written that no secret is in it: whatever is
 * stored is read by guests, exported, and kept in the history.
 *
 * @throws {JdbxError} INVALID_INTEGRATION with the path of the field; its content is not quoted
 */
export function checkNoSecret(document: { readonly [field: string]: unknown }): void {
  const { endpoint } = document;
  if (typeof endpoint === 'string' && hasSecret(endpoint)) {
    refuse('endpoint', 'expected no secret in the URL');
  }
  refuseIn(document, '');
}

/** Those that `checkNoSecret` is for. */
export function mayHoldSecret(type: string): boolean {
  return type === 'embedder' || INTEGRATION_TYPES.some((known) => known === type);
}

/** True for a URL with a user, a password or a parameter that is called as secrets are. */
function hasSecret(address: string): boolean {
  // A password with a slash in it makes an address that is none.
  if (!URL.canParse(address)) return /:\/\/.*:.*@/.test(address);
  const { username, password, searchParams } = new URL(address);
  return username !== '' || password !== '' || [...searchParams.keys()].some(isSecretName);
}

function refuseIn(value: unknown, path: string): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseIn(item, `${path}.${index}`);
  }
  if (!isPlainObject(value)) return;
  for (const [name, item] of Object.entries(value)) {
    const place = path === '' ? name : `${path}.${name}`;
    const isMeant = path === '' || path === 'headers' || !COMMON.has(name.toLowerCase());
    if (typeof item === 'string' && isMeant && isSecretName(name)) {
      refuse(place, 'expected no secret in a document');
    }
    if (!CODE.has(name)) refuseIn(item, place);
  }
}

function refuse(path: string, text: string): never {
  const advice = 'name a document in "credentials_ref"';
  throw new JdbxError('INVALID_INTEGRATION', `${text}; ${advice}`, { path });
}
