/** A thousand streams at once: what is held must not grow with time. */
import { jdbx } from './callers.mjs';

const STREAMS = 1_000;

export async function soak(url, directory, seconds) {
  const way = await jdbx(url, directory);
  await way.db.put({ ...(await way.db.get('integration:one')), params: { every_ms: 50 } });
  const samples = [];
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const { rss, heapUsed } = process.memoryUsage();
    samples.push({
      s: Math.round((performance.now() - startedAt) / 1_000),
      rss: rss >> 20,
      heap: heapUsed >> 20,
    });
  }, 2_000);
  let streams = 0;
  while (performance.now() - startedAt < seconds * 1_000) {
    await way.stream(STREAMS * 3, STREAMS);
    streams += STREAMS * 3;
  }
  clearInterval(timer);
  await way.close();
  console.log(JSON.stringify({ seconds, at_once: STREAMS, streams, samples_mib: samples }));
}
