/**
 * One of several processes that run pipelines from one store: `node leases-child.mjs STORE JSON`.
 * It starts a run for each of `keys`, tells what becomes of them, and closes on SIGTERM. With
 * `together` it waits for a word on its standard input before. With `dies` it kills itself
 * once it has told something.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { open } from '#jdbx/index.js';

const [path, json] = process.argv.slice(2);
const { keys, pipeline, clockMs = 0, together = false, dies, ...options } = JSON.parse(json);
// Those that begin together each want all runs to themselves.
const session = together ? undefined : 'session:leases';
const tell = (line) => writeSync(1, `${line}\n`);
const told = (line) => {
  tell(line);
  if (dies) process.kill(process.pid, 'SIGKILL');
};
const clock = { now: () => Date.now() + clockMs };
const db = await open(path, { env: {}, workers: 1, clock, ...options });
process.once('SIGTERM', async () => {
  await db.close();
  tell('closed');
  process.exit(0);
});
tell('open');
if (together) await once(process.stdin, 'data');
for (const key of keys) {
  const run = db.run(pipeline, { name: key }, { key, session });
  run.then(
    ({ status, output }) => told(`${status} ${key} ${JSON.stringify(output)}`),
    ({ code }) => told(`failed ${key} ${code}`),
  );
}
setInterval(() => {}, 60_000);
