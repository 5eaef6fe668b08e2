/**
 * A canary secret goes through calls that fail in every way, and is then looked
 * for in all that comes out: messages, stacks, details, causes, attempts,
 * answers. The forms are made here by hand, not by the code under test.
 */
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelAttempt } from '#jdbx/llm/contract.js';
import { checkCredential, resolveSecret } from '#jdbx/llm/credentials.js';
import { redactError, redactor } from '#jdbx/llm/redact.js';
import { seal } from '#jdbx/llm/sealing.js';
import {
  answer,
  type Behaviour,
  echoAuth,
  FaultServer,
  garbage,
  redirect,
} from '../support/fault-server.js';
import { CANARY, failure, input, integration, request, setup } from './calling.js';
import { chatAnswerWith } from './provider-answers.js';

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.start([echoAuth()]);
});
afterAll(() => server.close());

const FORMS = [
  CANARY,
  // A part of it too: an excerpt must not be cut before it is cleaned.
  'sk-canary',
  encodeURIComponent(CANARY),
  JSON.stringify(CANARY).slice(1, -1),
  Buffer.from(CANARY).toString('base64').slice(0, 20),
  Buffer.from(CANARY).toString('base64url').slice(0, 20),
  // The part of `Basic base64(":" + secret)` that only the secret decides.
  Buffer.from(`:${CANARY}`).toString('base64').slice(2, 22),
];

function expectNoCanary(...things: unknown[]): void {
  const text = things
    .map((thing) => `${inspect(thing, { depth: 20, showHidden: true })}${JSON.stringify(thing)}`)
    .join('\n');
  for (const form of FORMS) expect(text).not.toContain(form);
}

async function outcome(provider: string, more: object = {}) {
  const { caller } = setup();
  const attempts: ModelAttempt[] = [];
  const document = integration({ provider, endpoint: server.url, credentials_ref: 'cred:key' });
  const call = caller.call(
    input(document, { onAttempt: (attempt) => void attempts.push(attempt), ...more }),
  );
  const result = await call.catch((error: unknown) => error);
  expect(server.requests.length).toBeGreaterThan(0);
  return { result, attempts };
}

const long = 'x'.repeat(190);

describe.each(['openai', 'anthropic'])('the secret of %s is in nothing that comes out', (name) => {
  test.each<[string, Behaviour]>([
    ['a refusal that quotes it', echoAuth()],
    ['a rate limit that quotes it', echoAuth(429)],
    ['a server error that quotes it', echoAuth(503)],
    ['garbage that holds it', garbage(`not JSON ${CANARY}`)],
    ['garbage that is cut within it', garbage(`${long}${CANARY}`)],
    ['JSON that spells it in escapes', garbage(`{"error":{"message":"${escapes(CANARY)}"}}`)],
    ['a redirect that holds it', redirect(`https://example.com/${CANARY}?k=${CANARY}`)],
    ['an answer that holds it', answer(chatAnswerWith({ message: { content: CANARY } }))],
  ])('after %s', async (_, behaviour) => {
    server.play([behaviour]);
    const { result, attempts } = await outcome(name);
    expect(attempts.length).toBeGreaterThan(0);
    expectNoCanary(result, attempts);
  });

  test('after a prompt that holds it', async () => {
    server.play([echoAuth()]);
    const messages = [{ role: 'user', content: `my key is ${CANARY}` }] as const;
    const { result, attempts } = await outcome(name, { request: request({ messages }) });
    expect(attempts[0]?.request).toMatchObject({
      messages: [{ content: 'my key is [redacted]' }],
    });
    expectNoCanary(result, attempts);
  });
});

function escapes(text: string): string {
  return [...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}

describe('redactor', () => {
  test('replaces in strings anywhere, names included, and leaves the input alone', () => {
    const source = { a: ['x hunter22 y', { hunter22: 1 }], at: new Date(0), n: null };
    const out = redactor(['hunter22'])(source);
    expect(out).toEqual({ a: ['x [redacted] y', { '[redacted]': 1 }], at: new Date(0), n: null });
    expect(source.a[0]).toBe('x hunter22 y');
  });

  test('finds the base64 form at each place within an encoded text', () => {
    const redact = redactor(['hunter22-long-secret']);
    for (const before of ['', 'a', 'ab', 'abc']) {
      const encoded = Buffer.from(`${before}hunter22-long-secret`).toString('base64');
      expect(redact(encoded)).toContain('[redacted]');
    }
  });

  test('takes signs of a pattern literally', () => {
    expect(redactor(['a.*(b)[c]$'])('a.*(b)[c]$ axxb')).toBe('[redacted] axxb');
  });

  test('replaces the longer of two secrets of which one begins the other', () => {
    expect(redactor(['token', 'token-long'])('token-long token')).toBe('[redacted] [redacted]');
  });

  test('does not look for secrets shorter than four characters', () => {
    expect(redactor(['abc', ''])('abc')).toBe('abc');
  });

  test('cleans a chain of causes, even one that bites its tail', () => {
    const inner = new TypeError('Headers: "Bearer hunter22" is invalid');
    const outer = new Error('failed', { cause: inner });
    inner.cause = outer;
    const clean = redactError(outer, redactor(['hunter22'])) as Error;
    expect(inspect(clean, { depth: 20 })).not.toContain('hunter22');
    expect((clean.cause as Error).message).toBe('Headers: "Bearer [redacted]" is invalid');
    expect((clean.cause as Error).name).toBe('TypeError');
  });
});

describe('credentials', () => {
  const credential = { _id: 'cred:k', _type: 'credential', env: 'K_1' };

  test('a credential document gives the value of its variable, trimmed', () => {
    expect(resolveSecret(credential, 'cred:k', { env: { K_1: ' s3cret\n' } })).toBe('s3cret');
  });

  test.each([
    ['no document', undefined, {}, 'the credential document "cred:k" does not exist'],
    ['no variable', credential, {}, 'K_1, which is not set'],
    ['an empty variable', credential, { K_1: ' ' }, 'K_1, which is not set'],
    ['a variable with a line break', credential, { K_1: 'a\nb' }, 'no HTTP header can carry'],
  ])('%s is CREDENTIAL_MISSING and names what is missing', (_, document, env, text) => {
    const resolve = () => resolveSecret(document, 'cred:k', { env });
    expect(resolve).toThrow(expect.objectContaining({ code: 'CREDENTIAL_MISSING' }));
    expect(resolve).toThrow(text);
  });

  test.each([
    ['value', { value: 'hunter22' }],
    ['api_key', { api_key: 'hunter22' }],
    ['apiKey', { apiKey: 'hunter22' }],
    ['token', { token: 'hunter22' }],
    ['deep.client-secret', { deep: { 'client-secret': 'hunter22' } }],
    ['list.0.password', { list: [{ password: 'hunter22' }] }],
    ['env', { env: 'sk-hunter22' }],
    ['env', { env: undefined }],
    ['_type', { _type: 'secret' }],
  ])('a document that is wrong at %s is refused without a word of its content', (path, fields) => {
    const error = thrownBy(() => checkCredential({ ...credential, ...fields }));
    expect(error).toMatchObject({ code: 'INVALID_DOCUMENT', path });
    expectNothingOf('hunter22', error);
  });

  test('a call whose credential is missing sends nothing', async () => {
    server.play([echoAuth()]);
    const document = integration({ endpoint: server.url, credentials_ref: 'cred:absent' });
    const error = await failure(setup().caller.call(input(document)));
    expect(error).toMatchObject({ code: 'CREDENTIAL_MISSING', path: 'credentials_ref' });
    expect(server.requests).toEqual([]);
  });
});

function thrownBy(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}

function expectNothingOf(secret: string, error: unknown): void {
  expect(inspect(error, { depth: 20 })).not.toContain(secret);
}

describe('a sealed credential', () => {
  const key = new Uint8Array(32).fill(7);
  const sealed = seal(CANARY, 'cred:s', key);
  const document = (more: object = {}) => ({ _id: 'cred:s', _type: 'credential', sealed, ...more });
  const open = (doc: object, id = 'cred:s', sealKey: Uint8Array | undefined = key) =>
    resolveSecret(doc, id, { env: {}, sealKey });

  test('gives its secret to the holder of the key, and shows it nowhere', () => {
    checkCredential(document());
    expect(open(document())).toBe(CANARY);
    expect(JSON.stringify(document())).not.toContain(CANARY);
    expect(seal(CANARY, 'cred:s', key)).not.toEqual(sealed);
  });

  test.each([
    ['with another key', () => open(document(), 'cred:s', new Uint8Array(32))],
    ['copied into another document', () => open(document({ _id: 'cred:t' }), 'cred:t')],
    ['changed', () => open(document({ sealed: { ...sealed, data: 'AAAA' } }))],
    ['with a short tag', () => open(document({ sealed: { ...sealed, tag: 'AAAA' } }))],
    ['without a key', () => resolveSecret(document(), 'cred:s', { env: {} })],
  ])('is not opened %s', (_, attempt) => {
    expect(attempt).toThrow(expect.objectContaining({ code: 'CREDENTIAL_MISSING' }));
    expect(attempt).not.toThrow(CANARY);
  });

  test.each([
    ['beside env', { env: 'K' }, 'env'],
    ['that is no object', { sealed: 's' }, 'sealed'],
    ['of another kind', { sealed: { ...sealed, alg: 'none' } }, 'sealed.alg'],
    ['without a tag', { sealed: { ...sealed, tag: '' } }, 'sealed.tag'],
    ['with the secret beside it', { secret: 'x' }, 'secret'],
  ])('%s is refused when it is written', (_, more, path) => {
    const check = () => checkCredential(document(more));
    expect(check).toThrow(expect.objectContaining({ code: 'INVALID_DOCUMENT', path }));
  });

  test('a key of another length is a mistake of the program', () => {
    expect(() => seal('x', 'y', new Uint8Array(16))).toThrow(TypeError);
    expect(() => open(document(), 'cred:s', new Uint8Array(16))).toThrow();
  });
});
