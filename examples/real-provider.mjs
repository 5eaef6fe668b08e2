/**
 * The examples ask a real provider where the environment holds a key, and otherwise answer
 * without a network. They say which.
 */

/** The first of these whose key is set is asked. `*_BASE_URL` and `*_MODEL` say where and what. */
const PROVIDERS = [
  { provider: 'openai', prefix: 'OPENAI', model: 'gpt-4.1-mini' },
  { provider: 'anthropic', prefix: 'ANTHROPIC', model: 'claude-haiku-4-5' },
  { provider: 'gemini', prefix: 'GEMINI', model: 'gemini-2.5-flash' },
  { provider: 'mistral', prefix: 'MISTRAL', model: 'mistral-small-latest' },
];

const KEYS = PROVIDERS.map(({ prefix }) => `${prefix}_API_KEY`);

/** What is said where there is no key. */
export const OFFLINE = `No key in ${KEYS.join(', ')}: answers without a network.`;

/**
 * @param {Record<string, string | undefined>} env
 * @returns {{ model: string, says: string, credential: object, fields: object } | undefined} the
 * credential document, which names the variable and holds no key, and an integration's fields
 */
export function realProvider(env = process.env) {
  const found = PROVIDERS.find(({ prefix }) => env[`${prefix}_API_KEY`]);
  if (!found) return undefined;
  const { provider, prefix } = found;
  const model = env[`${prefix}_MODEL`] || found.model;
  const endpoint = env[`${prefix}_BASE_URL`];
  const credential = { _id: 'cred:real', _type: 'credential', env: `${prefix}_API_KEY` };
  return {
    model,
    says: `Asks ${model} of ${provider}${endpoint ? ` at ${endpoint}` : ''}, with the key in ${prefix}_API_KEY.`,
    credential,
    fields: {
      provider,
      model,
      ...(endpoint ? { endpoint } : {}),
      credentials_ref: credential._id,
    },
  };
}
