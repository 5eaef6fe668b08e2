// When a stage fails, what finished ones did is undone by the stages that they name, the last first.
import { open } from 'jdbx';

const db = await open(':memory:');
const book = (what) => ({
  name: what,
  transformer: 'transformer:book',
  inputs: { what },
  compensate: [{ name: 'cancel', transformer: 'transformer:cancel', inputs: { what } }],
});
await db.put([
  {
    _id: 'transformer:book',
    _type: 'transformer',
    code: `function book({ what }) {
      if (what === 'car') throw new Error('no car is left');
      return db.insert({ _id: 'booking:' + what, _type: 'booking' });
    }`,
    permissions: ['db.insert:booking'],
  },
  {
    _id: 'transformer:cancel',
    _type: 'transformer',
    code: `function cancel({ what }) { console.log(what); return db.remove('booking:' + what) }`,
    permissions: ['db.remove:booking'],
  },
  {
    _id: 'pipeline:trip',
    _type: 'pipeline',
    on_error: 'compensate',
    stages: [book('flight'), book('hotel'), book('car')],
  },
]);
const error = await db.run('pipeline:trip', {}, { key: 'trip' }).catch((thrown) => thrown);
console.log(error.code, error.details.stage, await db.query({ _type: 'booking' }).count());
// RUN_FAILED car 0
const undone = await db.audit
  .query({ run: 'run:trip', kind: 'stage', path: /compensate/ })
  .sort({ n: 1 });
console.log(undone.map(({ path }) => path));
// [ 'hotel/compensate/cancel', 'flight/compensate/cancel' ]
await db.close();
