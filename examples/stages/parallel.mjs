// A parallel stage runs named branches at the same time and gathers their outputs.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  { _id: 'transformer:upper', _type: 'transformer', code: 'export default (s) => s.toUpperCase()' },
  { _id: 'transformer:length', _type: 'transformer', code: 'export default (s) => s.length' },
  {
    _id: 'pipeline:both',
    _type: 'pipeline',
    stages: [
      {
        name: 'both',
        parallel: {
          loud: [{ name: 'upper', transformer: 'transformer:upper' }],
          size: [{ name: 'length', transformer: 'transformer:length' }],
        },
      },
    ],
  },
]);
console.log((await db.run('pipeline:both', 'hello')).output);
// { loud: 'HELLO', size: 5 }
await db.close();
