// An integration stage calls a model. This provider quotes from the prompt, without a network.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  { _id: 'integration:quote', _type: 'integration', provider: 'extractive' },
  {
    _id: 'pipeline:ask',
    _type: 'pipeline',
    stages: [
      {
        name: 'ask',
        integration: 'integration:quote',
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
