/** A talk whose session is folded again and again, and the runs that make it. */

export const KEYS = Array.from({ length: 6 }, (_, n) => `k${n}`);
export const SESSION = 'session:talk';
export const BOUND = 6;

export const DEFINITIONS = [
  {
    _id: 'integration:replay',
    _type: 'integration',
    provider: 'recorded',
    replay_latency: true,
    price: { input_per_million: 1, output_per_million: 1 },
  },
  ...KEYS.concat('fold').map((key) => ({
    _id: `recorded_call:${key}`,
    _type: 'recorded_call',
    integration: 'integration:replay',
    key,
    response: { text: `answer to ${key}`, usage: { input_tokens: 7, output_tokens: 3 } },
    latency_ms: 5,
  })),
  {
    _id: 'pipeline:talk',
    _type: 'pipeline',
    stages: [
      {
        name: 'first',
        integration: 'integration:replay',
        key: '$input.name',
        inputs: { prompt: '$input.name' },
      },
      {
        name: 'second',
        integration: 'integration:replay',
        key: '$input.name',
        inputs: { prompt: 'again' },
      },
    ],
  },
  {
    _id: 'transformer:numbers',
    _type: 'transformer',
    code: "export default ({ summary, said }) => (summary ? summary + ',' : '') + said.turns.map(({ n }) => n).join()",
  },
  {
    _id: 'pipeline:fold',
    _type: 'pipeline',
    stages: [
      { name: 'ask', integration: 'integration:replay', key: 'fold', inputs: { prompt: 'fold' } },
      {
        name: 'numbers',
        transformer: 'transformer:numbers',
        inputs: { summary: '$input.summary', said: '$input' },
      },
    ],
  },
  {
    _id: SESSION,
    _type: 'session',
    turns: 0,
    state: { token_count: 0 },
    compaction: { by: 'pipeline:fold', when: { messages: BOUND }, keep: 2 },
  },
];
