// A tool stage calls a transformer, a pipeline or a built-in verb with checked arguments.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  { _id: 'city:lima', _type: 'city', name: 'Lima', people: 10_092_000 },
  {
    _id: 'tool:find-city',
    _type: 'tool',
    builtin: 'db.query',
    permissions: ['db.query:city'],
    parameters: {
      type: 'object',
      required: ['filter'],
      properties: { filter: { type: 'object', required: ['name'] } },
    },
  },
  {
    _id: 'pipeline:city',
    _type: 'pipeline',
    stages: [
      { name: 'find', tool: 'tool:find-city', arguments: { filter: { name: '$input.name' } } },
    ],
    output: { $first: '$find.people' },
  },
  {
    _id: 'pipeline:wrong',
    _type: 'pipeline',
    stages: [{ name: 'find', tool: 'tool:find-city', arguments: { filter: {} } }],
  },
]);
console.log((await db.run('pipeline:city', { name: 'Lima' })).output);
// 10092000
const refused = await db.run('pipeline:wrong').catch((error) => error.cause);
console.log(refused.code, refused.path);
// TOOL_ARGUMENTS filter.name
await db.close();
