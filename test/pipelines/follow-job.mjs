import { open } from '#jdbx/index.js';

/** Runs a pipeline of slow stages, so that whoever follows it from another process sees it on its way. */
const db = await open(process.argv[2], { env: {}, workers: 1 });
const stages = Array.from({ length: 6 }, (_, n) => ({ name: `s${n}`, wait: { ms: 40 } }));
await db.put({ _id: 'pipeline:slow', _type: 'pipeline', stages });
// What `start` has promised is stored: whoever is told of it finds the run.
await db.start('pipeline:slow', {}, { key: 'slow' });
process.stdout.write('ready\n');
await db.ended('run:slow');
await db.close();
