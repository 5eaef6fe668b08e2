// An integration stage calls a model: a real one where there is a key for it, else the provider
// `extractive`, which quotes from the prompt.
import { open } from 'jdbx';
import { OFFLINE, realProvider } from '../real-provider.mjs';

const real = realProvider();
const fields = real?.fields ?? { provider: 'extractive' };
console.log(real?.says ?? OFFLINE);
// No key in OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, MISTRAL_API_KEY: answers without a network.

const db = await open(':memory:');
await db.put([
  ...(real ? [real.credential] : []),
  { _id: 'integration:model', _type: 'integration', ...fields },
  {
    _id: 'pipeline:ask',
    _type: 'pipeline',
    stages: [
      {
        name: 'ask',
        integration: 'integration:model',
        inputs: 'What do cats do?',
        context: '$input.facts',
        retry: { attempts: 3, backoff: 'exponential', codes: ['MODEL_UNAVAILABLE'] },
        timeout: 30_000,
      },
    ],
  },
]);
const { output } = await db.run('pipeline:ask', { facts: ['Cats purr.', 'Dogs bark.'] });
console.log(output.text);
// Cats purr.
await db.close();
