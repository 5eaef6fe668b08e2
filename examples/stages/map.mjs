// A map stage runs stages for each element of an array, or each document of a query.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  { _id: 'transformer:square', _type: 'transformer', code: 'export default (n) => n * n' },
  {
    _id: 'transformer:mark',
    _type: 'transformer',
    code: 'export default ({ _id }) => db.update(_id, { $set: { seen: true } }).modified',
    permissions: ['db.update:note'],
  },
  {
    _id: 'pipeline:squares',
    _type: 'pipeline',
    stages: [
      {
        name: 'squares',
        map: {
          over: '$input',
          as: 'n',
          concurrency: 8,
          stages: [{ name: 'square', transformer: 'transformer:square' }],
        },
      },
    ],
  },
  {
    // Of a million documents too: a page of ids at a time is all that is in memory.
    _id: 'pipeline:mark',
    _type: 'pipeline',
    stages: [
      {
        name: 'mark',
        map: {
          over: { query: { filter: { _type: 'note', owner: '$input.owner' } } },
          stages: [{ name: 'mark', transformer: 'transformer:mark' }],
        },
      },
    ],
  },
]);
console.log((await db.run('pipeline:squares', [1, 2, 3])).output);
// [ 1, 4, 9 ]
await db.insert(
  Array.from({ length: 100 }, (_, n) => ({ _type: 'note', owner: n % 2 ? 'ada' : 'bob' })),
);
console.log((await db.run('pipeline:mark', { owner: 'ada' })).output);
// { elements: 50 }
console.log(await db.query({ _type: 'note', seen: true }).count());
// 50
await db.close();
