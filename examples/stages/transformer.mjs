// A transformer stage runs a function in the sandbox, with the rights that its document lists.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  {
    _id: 'transformer:count',
    _type: 'transformer',
    code: `function count({ text }) {
      const words = text.split(/\\s+/).length;
      return db.put({ _id: 'count:1', _type: 'count', words }).words;
    }`,
    permissions: ['db.put:count'],
  },
  {
    _id: 'pipeline:count',
    _type: 'pipeline',
    stages: [{ name: 'count', transformer: 'transformer:count' }],
  },
]);
console.log((await db.run('pipeline:count', { text: 'to be or not to be' })).output);
// 6
await db.close();
