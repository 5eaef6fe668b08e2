// A prompt stage fills a template in.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  { _id: 'prompt:hi', _type: 'prompt', template: 'Say hello to {who}.', variables: ['who'] },
  { _id: 'pipeline:hi', _type: 'pipeline', stages: [{ name: 'hi', prompt: 'prompt:hi' }] },
]);
console.log((await db.run('pipeline:hi', { who: 'Ada' })).output.prompt);
// Say hello to Ada.
await db.close();
