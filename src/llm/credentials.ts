import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import { type Sealed, unseal } from './sealing.js';
import { isSecretName } from './secret-names.js';

/** Names an environment variable, or holds a sealed secret; never one that can be read. */
export interface Credential {
  readonly _id: string;
  readonly _type: 'credential';
  /** The variable that holds the secret, e.g. `OPENAI_API_KEY`. */
  readonly env?: string;
  readonly sealed?: Sealed;
}

/** Where secrets are found. */
export interface SecretSources {
  readonly env: { readonly [name: string]: string | undefined };
  /** 32 bytes that open sealed credentials. */
  readonly sealKey?: Uint8Array | undefined;
}

/**
 * Upper case only: almost every key has lower-case letters, so one that was
 * pasted here by mistake is refused instead of being printed as the name of a
 * missing variable.
 */
const ENV_NAME = /^[A-Z_][A-Z0-9_]*$/;

/**
 * Checks a credential document before it is written. Errors name fields, never
 * what they hold.
 *
 * @throws {JdbxError} INVALID_DOCUMENT for an inline secret (a field named `value`, `secret`,
 * `key`, `token`, `api_key` or the like, at any depth), and for an `env` that is no variable's name
 */
export function checkCredential(document: unknown): asserts document is Credential {
  if (!isPlainObject(document)) {
    refuse('', `expected a credential document, got ${describeType(document)}`);
  }
  if (document._type !== 'credential') refuse('_type', 'expected "credential"');
  refuseInlineSecrets(document, '');
  if (document.sealed !== undefined) return checkSealed(document);
  if (typeof document.env !== 'string' || !ENV_NAME.test(document.env)) {
    refuse('env', 'expected the name of an environment variable in upper case (A-Z, 0-9, _)');
  }
}

/**
 * The secret that a credential document points to, without white space around it.
 *
 * @param ref the `_id` that the integration's `credentials_ref` names
 * @throws {JdbxError} CREDENTIAL_MISSING naming the document and the variable; INVALID_DOCUMENT as
 * `checkCredential`
 */
export function resolveSecret(document: unknown, ref: string, sources: SecretSources): string {
  if (document === undefined) throw missing(`the credential document "${ref}" does not exist`);
  const known = OPENED.get(document as object);
  if (known && known.ref === ref && known.sealKey === sources.sealKey) return known.secret;
  const secret = resolved(document, ref, sources);
  const isSealed = (document as Credential).sealed !== undefined;
  if (isSealed && Object.isFrozen(document)) {
    OPENED.set(document as object, { ref, sealKey: sources.sealKey, secret });
  }
  return secret;
}

/** What was opened of documents that cannot change; it goes with them. */
const OPENED = new WeakMap<
  object,
  { readonly ref: string; readonly sealKey: Uint8Array | undefined; readonly secret: string }
>();

function resolved(document: unknown, ref: string, sources: SecretSources): string {
  checkCredential(document);
  const { env = '', sealed } = document;
  const where = sealed ? `"${ref}"` : `"${ref}" names the environment variable ${env}, which`;
  const secret = (sealed ? unseal(sealed, ref, sources.sealKey) : sources.env[env])?.trim();
  if (!secret) throw missing(`${where} ${sealed ? 'holds nothing' : 'is not set'}`);
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw missing(`${where} holds characters that no HTTP header can carry`);
  }
  return secret;
}

function checkSealed({ sealed, env }: Record<string, unknown>): void {
  if (env !== undefined) refuse('env', 'expected either env or sealed');
  if (!isPlainObject(sealed))
    refuse('sealed', `expected a sealed secret, got ${describeType(sealed)}`);
  if (sealed.alg !== 'aes-256-gcm') refuse('sealed.alg', 'expected "aes-256-gcm"');
  for (const part of ['iv', 'tag', 'data']) {
    const text = sealed[part];
    const isBase64 = typeof text === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
    if (!isBase64) refuse(`sealed.${part}`, 'expected base64, as seal() gives it');
  }
}

function refuseInlineSecrets(value: unknown, path: string): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseInlineSecrets(item, join(path, index));
  }
  if (!isPlainObject(value)) return;
  for (const [name, item] of Object.entries(value)) {
    if (isSecretName(name)) {
      refuse(join(path, name), 'expected no secret in a document; name a variable in "env"');
    }
    refuseInlineSecrets(item, join(path, name));
  }
}

function join(path: string, part: string | number): string {
  return path === '' ? String(part) : `${path}.${part}`;
}

function missing(text: string): JdbxError {
  return new JdbxError('CREDENTIAL_MISSING', text, { path: 'credentials_ref' });
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_DOCUMENT', text, { path });
}
