// A pipeline stage runs another pipeline as a child run.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  { _id: 'transformer:double', _type: 'transformer', code: 'export default (n) => n * 2' },
  {
    _id: 'pipeline:double',
    _type: 'pipeline',
    stages: [{ name: 'double', transformer: 'transformer:double' }],
  },
  {
    _id: 'pipeline:twice',
    _type: 'pipeline',
    stages: [
      { name: 'once', pipeline: 'pipeline:double' },
      { name: 'again', pipeline: 'pipeline:double' },
    ],
  },
]);
const { id, output } = await db.run('pipeline:twice', 5);
console.log(output, (await db.runOf(`${id}/once`)).output);
// 20 10
await db.close();
