import { open } from '#jdbx/index.js';

/** Runs of a tool loop, a few at a time, against the server that the test plays. */
const [path, url, count] = process.argv.slice(2);
const db = await open(path, { env: {}, workers: 2 });
await db.put([
  {
    _id: 'integration:one',
    _type: 'integration',
    provider: 'openai',
    endpoint: url,
    model: 'm',
  },
  {
    _id: 'transformer:mark',
    _type: 'transformer',
    // `insert` refuses a second time, so a call that was repeated would be told to the model.
    code: "function f({ name }) { return db.insert({ _id: 'mark:' + name, _type: 'mark' })._id }",
    permissions: ['db.insert:mark'],
  },
  {
    _id: 'pipeline:loop',
    _type: 'pipeline',
    stages: [{ name: 'ask', integration: 'integration:one', tools: ['transformer:mark'] }],
  },
]);
process.stdout.write('ready\n');
const waiting = Array.from({ length: Number(count) }, (_, n) => `k${n}`);
const workers = Array.from({ length: 3 }, async () => {
  for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
    await db.run('pipeline:loop', key, { key });
  }
});
await Promise.all(workers);
await db.settled();
await db.close();
