import { describe, expect, test } from 'vitest';
import { readIntegration } from '#jdbx/llm/integration.js';
import { failure, input, integration, request, setup } from './calling.js';

const PROVIDERS = new Set(['openai', 'anthropic', 'recorded', 'extractive']);

const PRICE = { input_per_million: 1, output_per_million: 1 };

const openai = {
  _id: 'integration:openai-api',
  _type: 'llm_integration',
  provider: 'openai',
  endpoint: 'https://api.openai.com/v1/completions',
  auth_type: 'bearer',
  credentials_ref: 'cred:openai-key',
};

const anthropic = {
  _id: 'integration:anthropic',
  _type: 'llm_provider',
  name: 'Anthropic',
  models: ['claude-3-opus', 'claude-3-sonnet', 'claude-3-haiku'],
  request_transformer: 'transformer:anthropic-request',
  retry_strategy: {
    max_retries: 3,
    backoff: 'exponential',
    retry_on: [429, 500, 502, 503, 504],
  },
};

test('both spellings of an integration document are read', () => {
  expect(readIntegration(openai, PROVIDERS)).toEqual(openai);
  expect(readIntegration(anthropic, PROVIDERS)).toEqual({ ...anthropic, provider: 'anthropic' });
});

test('fields that are nothing of ours are kept', () => {
  const own = { description: 'x', tags: ['a'], owner: 'me', notes: '', tier: 1, _note: 1 };
  expect(readIntegration({ ...openai, ...own }, PROVIDERS)).toMatchObject(own);
});

describe('a wrong document is refused with the path', () => {
  test.each<[string, object]>([
    ['_type', { _type: 'provider' }],
    ['_id', { _id: undefined }],
    ['provider', { provider: 'opnai' }],
    ['provider', { provider: 5 }],
    ['provider', { provider: undefined }],
    ['name', { provider: undefined, name: 'OpnAI' }],
    ['endpoint', { endpoint: 'api.openai.com/v1' }],
    ['endpoint', { endpoint: 'file:///etc/passwd' }],
    ['endpoint', { endpoint: 'https://user:pass@host/v1' }],
    ['endpoint', { endpoint: 'https://host/v1?api-key=abc' }],
    ['model', { model: '' }],
    ['models.1', { models: ['a', 7] }],
    ['auth_type', { auth_type: 'basic' }],
    ['credentials_ref', { credentials_ref: undefined }],
    ['headers.Authorization', { headers: { Authorization: 'Bearer abc' } }],
    ['headers.X-Api-Key', { headers: { 'X-Api-Key': 'abc' } }],
    ['headers', { headers: { 'a b': 'c' } }],
    ['headers.x', { headers: { x: 'a\r\nb: c' } }],
    ['params', { params: [] }],
    ['timeout_ms', { timeout_ms: 0 }],
    ['timeout_ms', { timeout_ms: 2 ** 31 }],
    ['retry_strategy', { retry_strategy: 'often' }],
    ['retry_strategy.max_retrys', { retry_strategy: { max_retrys: 3 } }],
    ['response_cache.max_age', { response_cache: { max_age: 3 } }],
    ['price.cache_per_million', { price: { ...PRICE, cache_per_million: 1 } }],
    ['price.tiers.0.input', { price: { ...PRICE, tiers: [{ above_input_tokens: 1, input: 1 }] } }],
    ['endpoit', { endpoit: 'https://host/v1' }],
    ['base_url', { base_url: 'https://host/v1' }],
    ['timeoutMs', { timeoutMs: 5 }],
    ['timeout', { timeout: 5 }],
    ['credential_ref', { credential_ref: 'cred:x' }],
    ['first_byte_timout_ms', { first_byte_timout_ms: 5 }],
    ['modle', { modle: 'm' }],
    ['retry_strategy.max_retries', { retry_strategy: { max_retries: -1 } }],
    ['retry_strategy.backoff', { retry_strategy: { backoff: 'linear' } }],
    ['retry_strategy.delay_ms', { retry_strategy: { delay_ms: '5s' } }],
    ['retry_strategy.retry_on.1', { retry_strategy: { retry_on: [429, 200] } }],
    ['price.input_per_million', { price: { output_per_million: 1 } }],
    ['price.output_per_million', { price: { input_per_million: 1, output_per_million: -1 } }],
    ['replay_latency', { replay_latency: 'yes' }],
  ])('at %s', (path, fields) => {
    const read = () => readIntegration({ ...openai, ...fields }, PROVIDERS);
    expect(read).toThrow(expect.objectContaining({ code: 'INVALID_INTEGRATION', path }));
  });

  test('a secret in it is not repeated in the error', () => {
    const document = { ...openai, endpoint: 'https://host/?token=hunter22' };
    const read = () => readIntegration(document, PROVIDERS);
    expect(read).toThrow(/no secret in the URL/);
    expect(read).not.toThrow(/hunter22/);
  });

  test.each([undefined, null, 'integration:x', []])('when it is %j', (document) => {
    expect(() => readIntegration(document, PROVIDERS)).toThrow(/expected an integration document/);
  });
});

test('a call that names no model anywhere is refused', async () => {
  const { caller } = setup();
  const document = integration({ model: undefined });
  expect(await failure(caller.call(input(document)))).toMatchObject({
    code: 'INVALID_INTEGRATION',
    path: 'model',
  });
});

test('a request that no document could hold is refused before anything is sent', async () => {
  const { caller } = setup();
  const settings = { temperature: Number.NaN };
  const call = caller.call(input(integration({}), { request: request({ settings }) }));
  expect(await failure(call)).toMatchObject({
    code: 'INVALID_DOCUMENT',
    path: 'settings.temperature',
  });
});
