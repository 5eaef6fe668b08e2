/** Records of model calls, about 370 bytes each as JSON, the same at every run. */

const DOMAINS = 20;
const TAGS = 50;
const MODELS = ['small-1', 'small-2', 'large-1', 'large-2'];

export const CALL_INDEXES = [
  { session_id: 1 },
  { project_id: 1 },
  { created_at: 1 },
  { domain: 1, success_rate: 1 },
  { tags: 1 },
].map((key) => ({
  _id: `index:llm_call.${Object.keys(key).join('.')}`,
  _type: 'index',
  type: 'llm_call',
  key,
}));

/** Ten calls share a session, a thousand a project; each has three of fifty tags. */
export function makeCall(n) {
  const draw = (salt, max) => scatter(Math.imul(n + 1, 31) + salt * 0x51ed27, max);
  const first = draw(1, TAGS);
  return {
    _id: `llm_call:${n.toString(36).padStart(7, '0')}`,
    _type: 'llm_call',
    session_id: `session-${Math.floor(n / 10)}`,
    project_id: `project-${Math.floor(n / 1_000)}`,
    domain: `domain-${draw(2, DOMAINS)}`,
    success_rate: draw(3, 1_000_000) / 1_000_000,
    tags: [0, 17, 31].map((step) => `tag-${(first + step) % TAGS}`),
    created_at: new Date(1_735_689_600_000 + n * 1_237 + draw(4, 5_000)).toISOString(),
    model: MODELS[draw(5, MODELS.length)],
    metrics: { latency_ms: draw(6, 9_000), tokens_in: draw(7, 4_000), tokens_out: draw(8, 900) },
    text: `Call ${n}: summarise the ticket, name its cause and propose the next step.`,
  };
}

export function* callBatches(from, to, size) {
  for (let at = from; at < to; at += size) {
    yield Array.from({ length: Math.min(size, to - at) }, (_, each) => makeCall(at + each));
  }
}

/** A whole number below `max`, scattered but the same at every run. */
function scatter(n, max) {
  return Math.floor(((Math.imul(n, 0x9e3779b1) >>> 0) / 2 ** 32) * max);
}
