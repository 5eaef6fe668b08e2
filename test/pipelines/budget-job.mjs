import { open } from '#jdbx/index.js';

/** Maps over many calls within budgets and a pool, against the server that the test plays. */
const [path, url, count] = process.argv.slice(2);
const db = await open(path, { env: {}, workers: 1 });
const budget = (name, limits, more = {}) => ({
  _id: `budget:${name}`,
  _type: 'budget',
  limits,
  ...more,
});
const documents = [
  budget('all', { tokens: 1_000_000 }),
  budget('run', { tokens: 900_000, calls: 5_000 }, { parent: 'budget:all' }),
  {
    _id: 'pool:p',
    _type: 'resource_pool',
    resources: [{ id: 'a', provider: 'openai', endpoint: url, model: 'm', rate_limit: 100_000 }],
  },
  {
    _id: 'pipeline:many',
    _type: 'pipeline',
    stages: [
      {
        name: 'all',
        map: {
          over: '$input',
          as: 'n',
          concurrency: 8,
          stages: [
            {
              name: 'ask',
              integration: 'pool:p',
              inputs: { $toString: '$n' },
              params: { max_tokens: 20 },
              budget: 'budget:run',
            },
          ],
        },
      },
    ],
  },
];
// A put replaces: what a budget has spent must stand.
for (const each of documents) if (!(await db.get(each._id))) await db.insert(each);
process.stdout.write('ready\n');
const numbers = Array.from({ length: Number(count) }, (_, n) => n);
await db.run('pipeline:many', numbers, { key: 'many' });
await db.settled();
await db.close();
