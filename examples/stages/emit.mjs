// An emit stage leaves an event, in the same commit as everything else that it did. Runs meet
// it by its name and key, whether they wait for it already or will.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  {
    _id: 'pipeline:ship',
    _type: 'pipeline',
    stages: [{ name: 'paid', wait: { event: 'paid', key: '$input.order' } }],
  },
  {
    _id: 'pipeline:pay',
    _type: 'pipeline',
    stages: [{ name: 'pay', emit: { event: 'paid', key: '$input.order', value: '$input.by' } }],
  },
]);
const { id } = await db.run('pipeline:ship', { order: 7 });
await db.run('pipeline:pay', { order: 8, by: 'card' });
console.log((await db.runOf(id)).status);
// waiting
await db.run('pipeline:pay', { order: 7, by: 'cash' });
console.log((await db.ended(id)).output);
// cash
await db.close();
