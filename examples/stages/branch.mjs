// A branch stage runs the first case whose condition is true.
import { open } from 'jdbx';

const db = await open(':memory:');
const say = (text) => [{ name: 'say', transformer: 'transformer:echo', inputs: { reply: text } }];
await db.put([
  { _id: 'transformer:echo', _type: 'transformer', code: 'export default (value) => value' },
  {
    _id: 'pipeline:triage',
    _type: 'pipeline',
    stages: [
      {
        name: 'triage',
        branch: {
          cases: [
            { name: 'urgent', when: { $gt: ['$input.score', 0.8] }, stages: say('at once') },
            { name: 'soon', when: { $gt: ['$input.score', 0.4] }, stages: say('today') },
          ],
          default: say('one day'),
        },
      },
    ],
  },
]);
for (const score of [0.9, 0.5, 0.1]) {
  console.log((await db.run('pipeline:triage', { score })).output.reply);
}
// at once
// today
// one day
await db.close();
