/** One way to call in a process of its own: `side.mjs <way> <url> <directory>` measures when told to. */
import { aiSdk, bare, jdbx, openaiSdk } from './callers.mjs';

const OPENERS = {
  undici: (url) => bare(url),
  'jdbx, whole road': (url, directory) => jdbx(url, directory),
  'jdbx, stage alone': (url, directory) => jdbx(url, directory, { plain: true }),
  'openai SDK': (url) => openaiSdk(url),
  'AI SDK': (url) => aiSdk(url),
};

const [name, url, directory] = process.argv.slice(2);
const way = await OPENERS[name](url, directory);
const measures = { cpuOf, firstChunk, close };

process.on('message', async ({ measure, ...order }) =>
  process.send(await measures[measure](order)),
);
process.on('disconnect', () => process.exit());
process.send('ready');

/** CPU of all threads, user and system, and time, per call in milliseconds. */
async function cpuOf({ kind, calls, concurrency }) {
  const [cpu, startedAt] = [process.cpuUsage(), performance.now()];
  await way[kind](calls, concurrency);
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1_000 / calls, ms: (performance.now() - startedAt) / calls };
}

/** The times to the first piece of each stream, one call at a time. */
async function firstChunk({ calls }) {
  const times = [];
  await way.stream(calls, 1, (ms) => times.push(ms));
  return times;
}

async function close() {
  await way.close();
  return 'closed';
}
