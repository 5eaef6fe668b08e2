import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import type { Integration } from './contract.js';
import { meantBy } from './meant-by.js';
import { PRICE_FIELDS } from './prices/figures.js';
import { isSecretName } from './secret-names.js';

/** The types that an integration document may have; both spellings of users' documents work. */
export const INTEGRATION_TYPES = ['integration', 'llm_integration', 'llm_provider'] as const;

/** Ample for a deadline of hours; a bound all the same. */
const MAX_RETRIES_MAX = 100;
/** The longest that a timer of the platform can wait, in milliseconds. */
const TIMER_MS_MAX = 2_147_483_647;

/** A checked integration: its provider is known. */
export type ReadIntegration = Integration & { readonly provider: string };

/** The registry of providers, as far as reading a document needs it. */
export interface ProviderNames {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

/**
 * Checks an integration document and fills in `provider`. Fields that are not known here are
 * kept as they are, but for those that are a known one misspelt: an endpoint that is not read
 * would send the key to another host.
 *
 * @param providers the registry that `createProviders` made, or a set of names
 * @throws {JdbxError} INVALID_INTEGRATION with the path of the field
 */
export function readIntegration(document: unknown, providers: ProviderNames): ReadIntegration {
  const known = READ.get(document as object);
  if (known?.providers === providers) return known.integration;
  const integration = read(document, providers);
  if (Object.isFrozen(document)) READ.set(document as object, { providers, integration });
  return integration;
}

/** A document that cannot change is read once. */
const READ = new WeakMap<
  object,
  { readonly providers: ProviderNames; readonly integration: ReadIntegration }
>();

function read(document: unknown, providers: ProviderNames): ReadIntegration {
  if (!isPlainObject(document)) {
    return fail('', `expected an integration document, got ${describeType(document)}`);
  }
  checkType(document._type);
  text(document._id, '_id');
  checkFields(document);
  if (document.auth_type === 'bearer' && document.credentials_ref === undefined) {
    fail('credentials_ref', 'expected a credential document, because auth_type is "bearer"');
  }
  return { ...(document as unknown as Integration), provider: readProvider(document, providers) };
}

/**
 * Checks the fields of an integration document when it is written; whether its provider is known
 * is found out by who calls it.
 *
 * @throws {JdbxError} INVALID_INTEGRATION with the path of the field
 */
export function checkIntegration(document: { readonly [field: string]: unknown }): void {
  if (INTEGRATION_TYPES.some((type) => type === document._type)) checkFields(document);
}

function checkFields(document: Record<string, unknown>): void {
  for (const [field, check] of Object.entries(CHECKS)) {
    if (document[field] !== undefined) check(document[field], field);
  }
  for (const field of Object.keys(document)) {
    const meant = isKnown(field) ? undefined : meantBy(field, KNOWN);
    if (meant !== undefined) fail(field, `expected "${meant}", which this seems to be meant for`);
  }
}

function checkType(type: unknown): void {
  if (INTEGRATION_TYPES.some((known) => known === type)) return;
  fail('_type', `expected one of ${INTEGRATION_TYPES.join(', ')}, got ${show(type)}`);
}

function readProvider(document: Record<string, unknown>, providers: ProviderNames): string {
  const field = document.provider === undefined ? 'name' : 'provider';
  const name = document[field];
  const known = [...providers.keys()].join(', ');
  if (typeof name !== 'string') return fail('provider', `expected one of ${known}, got nothing`);
  const provider = name.trim().toLowerCase();
  return providers.has(provider)
    ? provider
    : fail(field, `expected one of ${known}, got ${show(name)}`);
}

type Check = (value: unknown, path: string) => void;

const text: Check = (value, path) => {
  if (typeof value !== 'string' || value === '') wrong(path, 'a non-empty string', value);
};

const plainObject: Check = (value, path) => {
  if (!isPlainObject(value)) wrong(path, 'an object', value);
};

const flag: Check = (value, path) => {
  if (typeof value !== 'boolean') wrong(path, 'true or false', value);
};

const oneOf =
  (...names: string[]): Check =>
  (value, path) => {
    if (!names.some((name) => name === value)) wrong(path, names.join(' or '), value);
  };

const integer =
  (min: number, max: number): Check =>
  (value, path) => {
    const fits = Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
    if (!fits) wrong(path, `an integer from ${min} to ${max}`, value);
  };

const amount: Check = (value, path) => {
  if (!Number.isFinite(value) || (value as number) < 0)
    wrong(path, 'a number of at least 0', value);
};

const share: Check = (value, path) => {
  amount(value, path);
  if ((value as number) > 1) wrong(path, 'a number from 0 to 1', value);
};

const list =
  (item: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return wrong(path, 'an array', value);
    for (const [index, element] of value.entries()) item(element, `${path}.${index}`);
  };

const shape =
  (fields: { readonly [name: string]: Check }, required = false): Check =>
  (value, path) => {
    if (!isPlainObject(value)) return wrong(path, 'an object', value);
    for (const [name, check] of Object.entries(fields)) {
      if (required || value[name] !== undefined) check(value[name], `${path}.${name}`);
    }
  };

/** Only http and https; and no secret in the address, which is logged and exported. */
const endpoint: Check = (value, path) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  // Not quoted: there may be a password in it.
  if (!url || !/^https?:$/.test(url.protocol)) return fail(path, 'expected an http or https URL');
  const secret = url.username || url.password || [...url.searchParams.keys()].some(isSecretName);
  if (secret) fail(path, 'expected no secret in the URL; name a document in "credentials_ref"');
};

const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Header names and values that HTTP can carry; and no secret among them. */
const headers: Check = (value, path) => {
  if (!isPlainObject(value)) return wrong(path, 'an object', value);
  for (const [name, item] of Object.entries(value)) {
    const place = `${path}.${name}`;
    if (isSecretName(name)) {
      fail(place, 'expected no secret in a document; name a document in "credentials_ref"');
    }
    if (!HEADER_NAME.test(name)) fail(path, 'expected names of HTTP headers');
    if (typeof item !== 'string' || !/^[\t\x20-\x7e]*$/.test(item)) {
      fail(place, 'expected a string of printable ASCII');
    }
  }
};

/** Both prices, and what may stand beside them; a name that is none is no price of anything. */
const price: Check = (value, path) => {
  shape({ input_per_million: amount, output_per_million: amount }, true)(value, path);
  shape({ ...AMOUNTS, tiers: list(tier) })(value, path);
  only(value, [...PRICE_FIELDS, 'tiers'], path);
};

const tier: Check = (value, path) => {
  shape({ above_input_tokens: amount }, true)(value, path);
  shape(AMOUNTS)(value, path);
  only(value, [...PRICE_FIELDS, 'above_input_tokens'], path);
};

const AMOUNTS = Object.fromEntries(PRICE_FIELDS.map((field) => [field, amount]));

function only(value: unknown, names: readonly string[], path: string): void {
  for (const name of Object.keys(value as object)) {
    if (!names.includes(name)) fail(`${path}.${name}`, `expected one of ${names.join(', ')}`);
  }
}

/** As `shape`, and nothing else may stand there. */
function strict(fields: { readonly [name: string]: Check }): Check {
  const check = shape(fields);
  return (value, path) => {
    check(value, path);
    only(value, Object.keys(fields), path);
  };
}

const cacheRule = strict({
  max_age_ms: integer(1, Number.MAX_SAFE_INTEGER),
  max_bytes: integer(1, Number.MAX_SAFE_INTEGER),
  always: flag,
  semantic: (value, path) => {
    shape({ embedder: text }, true)(value, path);
    strict({ embedder: text, shadow: flag, verify: share, judge: text, lexical: flag })(
      value,
      path,
    );
  },
});

const CHECKS: { readonly [field: string]: Check } = {
  provider: text,
  name: text,
  endpoint,
  model: text,
  models: list(text),
  auth_type: oneOf('bearer', 'none'),
  credentials_ref: text,
  params: plainObject,
  headers,
  max_output_tokens: integer(1, Number.MAX_SAFE_INTEGER),
  timeout_ms: integer(1, TIMER_MS_MAX),
  first_byte_timeout_ms: integer(1, TIMER_MS_MAX),
  idle_timeout_ms: integer(1, TIMER_MS_MAX),
  http2: flag,
  region: text,
  retry_strategy: strict({
    max_retries: integer(0, MAX_RETRIES_MAX),
    backoff: oneOf('exponential', 'constant'),
    delay_ms: integer(0, TIMER_MS_MAX),
    max_delay_ms: integer(0, TIMER_MS_MAX),
    retry_on: list(integer(400, 599)),
    retry_timeouts: flag,
  }),
  price,
  priced_as: text,
  replay_latency: flag,
  auth_header: (value, path) => {
    if (typeof value !== 'string' || !HEADER_NAME.test(value))
      wrong(path, 'the name of an HTTP header', value);
  },
  prefill: flag,
  context_tokens: integer(1, Number.MAX_SAFE_INTEGER),
  lacks: list(oneOf('tools', 'schema', 'images', 'files')),
  response_cache: (value, path) => {
    if (typeof value !== 'boolean') cacheRule(value, path);
  },
};

/** Fields that others read: stages, pools, people. */
const OTHERS = [
  'request_transformer',
  'response_transformer',
  'stream_transformer',
  'error_handler',
  'integration',
  'rate_limit',
  'tokens_per_minute',
  'concurrency',
  'weight',
] as const;

const KNOWN: readonly string[] = [...Object.keys(CHECKS), ...OTHERS];

/** Documents may hold more, such as a description; all but a few names are free. */
function isKnown(field: string): boolean {
  return field.startsWith('_') || KNOWN.includes(field);
}

function wrong(path: string, expected: string, value: unknown): never {
  fail(path, `expected ${expected}, got ${show(value)}`);
}

/** A long text in a wrong place may be a secret: errors are logged. */
const SHOWN_LENGTH_MAX = 20;

function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const isShown = typeof value === 'string' && value.length <= SHOWN_LENGTH_MAX;
  return isShown ? JSON.stringify(value) : describeType(value);
}

function fail(path: string, text: string): never {
  throw new JdbxError('INVALID_INTEGRATION', text, { path });
}
