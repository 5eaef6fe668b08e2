// A schedule document starts a run at its times: one for each, also after a crash.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  { _id: 'transformer:tick', _type: 'transformer', code: 'export default ({ n }) => n' },
  {
    _id: 'pipeline:tick',
    _type: 'pipeline',
    stages: [{ name: 'tick', transformer: 'transformer:tick' }],
  },
  {
    _id: 'schedule:tick',
    _type: 'schedule',
    pipeline: 'pipeline:tick',
    every: 100, // or cron: '0 9 * * MON-FRI', time_zone: 'Europe/Berlin'
    input: { n: 1 },
    missed: 'skip',
    overlap: 'skip',
  },
]);
for await (const { kind, document } of db.watch({ _type: 'run', status: 'completed' })) {
  console.log(kind, document.pipeline, document._id.startsWith('run:schedule:tick@'));
  break;
}
// put pipeline:tick true
await db.close();
