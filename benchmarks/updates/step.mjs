/** One step of `run.mjs` in a process of its own: `node step.mjs fill|update|put STORE DOCUMENTS COUNT`. */
import { open } from '#jdbx/index.js';

const [name, path, documentsText, countText] = process.argv.slice(2);
const documents = Number(documentsText);
const count = Number(countText);
const TRANSACTION = 5_000;
/** A linear congruential generator (Numerical Recipes): the same documents in each run. */
let state = 12_345;
const random = (below) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

const callOf = (n, version) => ({
  _id: `call:${n}`,
  _type: 'call',
  session_id: `session:${Math.floor(n / 10)}`,
  project_id: `project:${n % 100}`,
  domain: `domain-${n % 20}`,
  success_rate: random(1_000) / 1_000,
  tags: [`tag-${n % 50}`, `tag-${(n * 7) % 50}`, `tag-${(n * 11) % 50}`],
  created_at: new Date(1_700_000_000_000 + n * 1_000).toISOString(),
  model: `model-${n % 4}`,
  metrics: { tokens: random(5_000), latency_ms: random(3_000) },
  version,
  text: 'a short text about what the model was asked and what it said'.slice(0, 40 + (n % 20)),
});

const db = await open(path, { retentionIntervalMs: 0 });
const steps = {
  async fill() {
    for (let at = 0; at < documents; at += TRANSACTION) {
      const size = Math.min(TRANSACTION, documents - at);
      await db.insert(Array.from({ length: size }, (_, n) => callOf(at + n, 0)));
    }
  },
  async update() {
    const began = performance.now();
    for (let done = 0; done < count; done += TRANSACTION) {
      const ids = new Set();
      while (ids.size < TRANSACTION) ids.add(random(documents));
      await db.put([...ids].map((n) => callOf(n, done)));
    }
    return { perSecond: (count / (performance.now() - began)) * 1_000 };
  },
  async put() {
    const times = [];
    for (let at = 0; at < count; at++) {
      const document = callOf(random(documents), at);
      const began = performance.now();
      await db.put(document);
      times.push(performance.now() - began);
    }
    times.sort((one, other) => one - other);
    const meanMs = times.reduce((sum, each) => sum + each, 0) / count;
    return { medianMs: times[Math.floor(count / 2)], meanMs };
  },
};
const figures = await steps[name]();
await db.close();
if (figures) process.stdout.write(JSON.stringify(figures));
