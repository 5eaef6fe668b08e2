// A loop stage runs stages again and again, with a bound; an iteration sees the one before.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  {
    _id: 'transformer:improve',
    _type: 'transformer',
    code: 'export default (draft) => ({ text: draft.text + "!", score: draft.score + 0.25 })',
  },
  {
    _id: 'pipeline:improve',
    _type: 'pipeline',
    stages: [
      {
        name: 'refine',
        loop: {
          until: { $gte: ['$draft.score', 0.8] },
          max: 10,
          stages: [{ name: 'draft', transformer: 'transformer:improve' }],
        },
      },
    ],
  },
]);
console.log((await db.run('pipeline:improve', { text: 'hi', score: 0.1 })).output);
// { text: 'hi!!!', score: 0.85 }
await db.close();
