import { open } from '#jdbx/index.js';

const db = await open(process.argv[2], { env: {}, workers: 1 });
await db.run('pipeline:send', {}, { key: 'once' });
