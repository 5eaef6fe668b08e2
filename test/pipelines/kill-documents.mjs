/** A pipeline of every kind of stage, and the runs of it that the kill test makes. */

export const SESSION = 'session:kill';
export const KEYS = Array.from({ length: 20 }, (_, n) => `k${n}`);
export const ITEMS = 3;

export function runOf(key) {
  return { input: { name: key, items: [0, 1, 2] }, options: { key, session: SESSION } };
}

const transformer = (name, code, permissions) => ({
  _id: `transformer:${name}`,
  _type: 'transformer',
  code,
  permissions,
});

const recording = (key) => ({
  _id: `recorded_call:${key}`,
  _type: 'recorded_call',
  integration: 'integration:replay',
  key,
  response: { text: `answer to ${key}`, usage: { input_tokens: 7, output_tokens: 3 } },
  latency_ms: 12,
});

const NOTE = { _id: { $concat: ['note:', '$input.name'] }, _type: 'note' };
const lap = [{ name: 'lap', transformer: 'transformer:lap', inputs: ['name', 'index'] }];

export const DEFINITIONS = [
  {
    _id: 'integration:replay',
    _type: 'integration',
    provider: 'recorded',
    replay_latency: true,
    price: { input_per_million: 1, output_per_million: 1 },
  },
  ...KEYS.flatMap((key) => [recording(key), recording(`${key}-sub`)]),
  { _id: 'prompt:ask', _type: 'prompt', template: 'Who is {name}?', variables: ['name'] },
  // `insert` refuses a second time, so an effect that happened twice would fail its run.
  transformer(
    'mark',
    "function f({ name }) { db.insert({ _id: 'mark:' + name, _type: 'mark' }) }",
    ['db.insert:mark'],
  ),
  transformer(
    'item',
    `function f({ name, index }) {
      return db.insert({ _id: 'item:' + name + ':' + index, _type: 'item', name, index })._id;
    }`,
    ['db.insert:item'],
  ),
  transformer(
    'total',
    `function f() {
      db.update({ _type: 'total', _id: 'total:1' }, { $inc: { n: 1 } }, { upsert: true });
    }`,
    ['db.update:total'],
  ),
  transformer(
    'lap',
    "function f({ name, index }) { db.insert({ _id: 'lap:' + name + ':' + index, _type: 'lap' }) }",
    ['db.insert:lap'],
  ),
  transformer(
    'seen',
    "export default (id) => db.insert({ _id: 'seen:' + id, _type: 'seen' })._id",
    ['db.insert:seen'],
  ),
  transformer(
    'release',
    "function f({ name }) { db.insert({ _id: 'release:' + name, _type: 'release' }) }",
    ['db.insert:release'],
  ),
  { _id: 'tool:note', _type: 'tool', builtin: 'db.insert', permissions: ['db.insert:note'] },
  {
    _id: 'pipeline:undone',
    _type: 'pipeline',
    on_error: 'compensate',
    stages: [
      {
        name: 'hold',
        prompt: 'prompt:ask',
        compensate: [{ name: 'release', transformer: 'transformer:release', inputs: ['name'] }],
      },
      { name: 'fail', transformer: 'transformer:fail' },
    ],
  },
  transformer(
    'fail',
    "function f() { db.put({ _id: 'ghost', _type: 'ghost' }); throw new Error('x') }",
    ['db.put:ghost'],
  ),
  {
    _id: 'orchestrator:sub',
    _type: 'llm_orchestrator',
    strategy: "function pick() { return 'integration:replay' }",
  },
  {
    _id: 'pipeline:sub',
    _type: 'pipeline',
    stages: [
      {
        name: 'answer',
        integration: 'orchestrator:sub',
        inputs: 'again',
        key: { $concat: ['$input.name', '-sub'] },
      },
      {
        name: 'mark',
        transformer: 'transformer:mark',
        inputs: { name: { $concat: ['$input.name', '-sub'] } },
      },
    ],
  },
  {
    _id: 'pipeline:mixed',
    _type: 'pipeline',
    stages: [
      { name: 'ask', prompt: 'prompt:ask' },
      {
        name: 'answer',
        integration: 'integration:replay',
        key: '$input.name',
        session: { $inc: { 'state.answers': 1 } },
      },
      { name: 'mark', transformer: 'transformer:mark', inputs: ['name'] },
      {
        name: 'both',
        inputs: ['name'],
        parallel: {
          left: [{ name: 'sub', pipeline: 'pipeline:sub' }],
          right: [{ name: 'total', transformer: 'transformer:total' }],
        },
      },
      {
        name: 'each',
        map: {
          over: '$input.items',
          as: 'index',
          concurrency: 2,
          stages: [{ name: 'item', transformer: 'transformer:item', inputs: ['name', 'index'] }],
        },
      },
      {
        name: 'round',
        loop: {
          until: { $eq: ['$index', 2] },
          max: 5,
          stages: [{ name: 'lap', transformer: 'transformer:lap', inputs: ['name', 'index'] }],
        },
      },
      {
        name: 'way',
        branch: {
          cases: [{ name: 'odd', when: { $lt: [{ $size: '$each' }, 2] }, stages: lap }],
          default: [{ name: 'tool', tool: 'tool:note', arguments: { document: NOTE } }],
        },
      },
      { name: 'tell', emit: { event: 'told', key: '$input.name', value: { by: '$input.name' } } },
      {
        name: 'rest',
        parallel: {
          heard: [{ name: 'hear', wait: { event: 'told', key: '$input.name' } }],
          slept: [{ name: 'sleep', wait: { ms: 5 } }],
        },
      },
      {
        name: 'query',
        map: {
          over: { query: { filter: { _type: 'item', name: '$input.name' } } },
          stages: [{ name: 'seen', transformer: 'transformer:seen', inputs: '$item._id' }],
        },
      },
      { name: 'never', when: false, transformer: 'transformer:fail' },
      { name: 'maybe', transformer: 'transformer:fail', on_error: 'continue' },
      {
        name: 'end',
        prompt: 'prompt:ask',
        session: { $inc: { 'state.done': 1 }, $push: { 'state.names': '$input.name' } },
      },
    ],
    output: { items: '$each', text: '$answer.text' },
  },
];

/** The paths at which every run leaves exactly one checkpoint. */
export const PATHS = [
  'answer',
  'ask',
  'both',
  'both/left/sub',
  'both/right/total',
  'each',
  ...Array.from({ length: ITEMS }, (_, n) => `each/${n}/item`),
  'end',
  'mark',
  'maybe',
  'never',
  'query',
  'query/@done/0',
  'query/@page/0',
  ...Array.from({ length: ITEMS }, (_, n) => `query/${n}/seen`),
  'rest',
  'rest/heard/hear',
  'rest/slept/sleep',
  'round',
  'round/0/lap',
  'round/1/lap',
  'tell',
  'way',
  'way/default/tool',
];
