/** Model calls as a pipeline records them, about 370 bytes of JSON, the same at every run. */

const DOMAINS = ['math', 'code', 'law', 'medicine', 'finance', 'travel', 'food', 'sports', 'music',
  'film', 'history', 'physics', 'chemistry', 'biology', 'poetry', 'news', 'games', 'support',
  'sales', 'legal-review']; // biome-ignore format: a list
const MODELS = ['small-1', 'small-2', 'medium-1', 'large-1', 'large-2', 'reasoner-1'];
const WORDS = ['summarise', 'the', 'retry', 'policy', 'of', 'this', 'service', 'and', 'list', 'every',
  'risk', 'that', 'a', 'reviewer', 'would', 'raise', 'before', 'release']; // biome-ignore format: a list
export const TAGS = 50;
const START_MS = Date.UTC(2025, 0, 1);
const STEP_MS = 13_000;

/** Small and good enough: mulberry32, by its published constants. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param count how many documents there are in all: it decides how many sessions and projects */
export function makeDocument(n, count) {
  const random = randomFrom(n + 1);
  const below = (max) => Math.floor(random() * max);
  return {
    _id: idOf(n),
    _type: 'llm_call',
    session_id: sessionOf(below(count / 10)),
    project_id: projectOf(below(count / 1_000)),
    domain: domainOf(below(DOMAINS.length)),
    success_rate: Math.round(random() * 1e6) / 1e6,
    tags: threeOf(below, TAGS).map(tagOf),
    created_at: timeOf(n),
    model: MODELS[below(MODELS.length)],
    metrics: {
      latency_ms: below(LATENCY_MAX_MS),
      prompt_tokens: below(4_000),
      completion_tokens: below(900),
    },
    text: Array.from({ length: 12 }, () => WORDS[below(WORDS.length)]).join(' '),
  };
}

export const LATENCY_MAX_MS = 60_000;
export const idOf = (n) => `llm_call:${String(n).padStart(9, '0')}`;
export const sessionOf = (n) => `session-${String(n).padStart(7, '0')}`;
export const projectOf = (n) => `project-${String(n).padStart(5, '0')}`;
export const domainOf = (n) => DOMAINS[n % DOMAINS.length];
export const tagOf = (n) => `tag-${String(n).padStart(2, '0')}`;
export const timeOf = (n) => new Date(START_MS + n * STEP_MS).toISOString();

function threeOf(below, count) {
  const chosen = new Set();
  while (chosen.size < 3) chosen.add(below(count));
  return [...chosen];
}

export function* batchesOf(count, size) {
  for (let from = 0; from < count; from += size) {
    const length = Math.min(size, count - from);
    yield Array.from({ length }, (_, at) => makeDocument(from + at, count));
  }
}
