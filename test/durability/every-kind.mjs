/** Pipelines that have a stage of every kind between them, and what they are killed with. */

/** Forty stores at work in one process may keep a guest waiting for longer than the default. */
const PATIENT = { timeout_ms: 60_000 };

const transformer = (name, code, permissions) => ({
  _id: `transformer:${name}`,
  _type: 'transformer',
  code,
  permissions,
  limits: PATIENT,
});

const NOTE = { _id: { $concat: ['note:', '$input.name'] }, _type: 'note' };
const lap = [{ name: 'lap', transformer: 'transformer:lap', inputs: ['name', 'index'] }];

export const DEFINITIONS = [
  {
    _id: 'integration:replay',
    _type: 'integration',
    provider: 'openai',
    model: 'm',
    price: { input_per_million: 1, output_per_million: 1 },
  },
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
  { _id: 'budget:all', _type: 'budget', limits: { tokens: 1e9 } },
  transformer(
    'asks',
    `function f({ name }) {
      const { text } = llm.call({ integration: 'integration:replay', prompt: 'About ' + name });
      return db.insert({ _id: 'asked:' + name, _type: 'asked', text })._id;
    }`,
    ['llm.call', 'db.insert:asked'],
  ),
  transformer(
    'looks_up',
    `function f({ word }) {
      db.update({ _type: 'lookup', _id: 'lookup:1' }, { $inc: { n: 1 } }, { upsert: true });
      return word.length;
    }`,
    ['db.update:lookup'],
  ),
  {
    _id: 'tool:looks_up',
    _type: 'tool',
    transformer: 'transformer:looks_up',
    parameters: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
  },
  {
    _id: 'pipeline:talk',
    _type: 'pipeline',
    budget: 'budget:all',
    stages: [
      {
        name: 'use',
        integration: 'integration:replay',
        inputs: '$input.name',
        tools: ['tool:looks_up'],
      },
      { name: 'asks', transformer: 'transformer:asks', inputs: ['name'] },
      { name: 'kept', integration: 'integration:replay', inputs: 'same', cache: true },
      {
        name: 'person',
        wait: { answer: { question: 'Good?' } },
        timeout: 60_000,
        on_error: 'continue',
      },
      {
        name: 'flaky',
        transformer: 'transformer:fail',
        retry: { attempts: 2, delay_ms: 1 },
        on_error: { goto: 'last' },
      },
      { name: 'jumped', transformer: 'transformer:fail' },
      {
        name: 'last',
        transformer: 'transformer:mark',
        inputs: { name: { $concat: ['$input.name', '-last'] } },
      },
    ],
  },
  {
    _id: 'engine:mixed',
    _type: 'execution_engine',
    permissions: ['db.query:total'],
    limits: PATIENT,
    code: `export default async function mixed({ name }, { executeStage, checkpoint, sleep, now }) {
      const started = now();
      const [answer, sub, failed] = await Promise.all([
        executeStage({ name: 'answer', integration: 'integration:replay', key: '$name' }, { name, prompt: 'Who?' }),
        executeStage({ name: 'sub', pipeline: 'pipeline:sub' }, { name }),
        executeStage({ name: 'fail', transformer: 'transformer:fail' }).catch((error) => error.code),
        executeStage({ name: 'total', transformer: 'transformer:total' }),
      ]);
      await checkpoint({ name, answer: answer.text });
      if (db.query({ _type: 'total' }).first().n < 1) throw new Error('the total is not there');
      await Promise.all([
        sleep(5),
        executeStage({ name: 'person', wait: { answer: { question: 'Good?' } }, timeout: 60000, on_error: 'continue' }),
      ]);
      for (let index = 0; index < 3; index++) {
        await executeStage({ name: 'lap', transformer: 'transformer:lap' }, { name, index });
      }
      return { answer: answer.text, sub, failed, waited: now() > started };
    }`,
  },
  {
    _id: 'engine:fold',
    _type: 'execution_engine',
    limits: PATIENT,
    code: `export default async function fold({ summary, turns }, { executeStage }) {
      await executeStage({ name: 'ask', integration: 'integration:replay' }, { prompt: 'Fold.' });
      return (summary ? summary + ',' : '') + turns.map(({ n }) => n).join();
    }`,
  },
  {
    _id: 'session:folded',
    _type: 'session',
    turns: 0,
    compaction: { by: 'engine:fold', when: { messages: 3 }, keep: 1 },
  },
  {
    _id: 'pipeline:folded',
    _type: 'pipeline',
    stages: [
      { name: 'first', integration: 'integration:replay', inputs: 'one' },
      { name: 'second', integration: 'integration:replay', inputs: 'two' },
      { name: 'third', integration: 'integration:replay', inputs: 'three' },
      { name: 'own', program: 'engine:fold', inputs: { summary: 'none', turns: [] } },
      {
        name: 'mark',
        transformer: 'transformer:mark',
        inputs: { name: { $concat: ['$input.name', '-folded'] } },
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

export const WORKS = [
  {
    pipeline: 'pipeline:mixed',
    input: { name: 'ada', items: [0, 1, 2] },
    session: 'session:torture',
  },
  { pipeline: 'pipeline:talk', input: { name: 'bob' }, session: 'session:torture' },
  { pipeline: 'pipeline:undone', input: { name: 'eve' } },
  { pipeline: 'engine:mixed', input: { name: 'pam' }, session: 'session:torture' },
  { pipeline: 'pipeline:folded', input: { name: 'sam' }, session: 'session:folded' },
];
