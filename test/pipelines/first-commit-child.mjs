/** Another process on a store: runs `pipeline:echo` by each key that it is told, and says what it gave. */
import { open } from '#jdbx/index.js';

const db = await open(process.argv[2], { workers: 1, env: {} });
await db.run('pipeline:echo');
process.on('message', async ({ key }) => {
  if (key === undefined) {
    await db.close();
    process.exit();
  }
  const { output } = await db.run('pipeline:echo', { by: 'child' }, { key });
  process.send({ output });
});
process.send({ ready: true });
