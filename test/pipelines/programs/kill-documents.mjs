/** A program that uses every kind of stage, and the runs of it that the kill test makes. */

export const KEYS = Array.from({ length: 4 }, (_, n) => `k${n}`);
export const LAPS = 6;

const inserting = (name, rest) => ({
  _id: `transformer:${name}`,
  _type: 'transformer',
  code: `export default ({ name, n }) => db.insert({ _id: '${name}:' + name${rest}, _type: '${name}' })._id`,
  permissions: [`db.insert:${name}`],
});

/** `db.insert` refuses a second time, so an effect that happened twice would fail its run. */
export const DEFINITIONS = [
  inserting('mark', ''),
  inserting('lap', " + ':' + n"),
  inserting('release', ''),
  {
    _id: 'transformer:total',
    _type: 'transformer',
    code: "export default () => { db.update({ _type: 'total', _id: 'total:1' }, { $inc: { n: 1 } }, { upsert: true }) }",
    permissions: ['db.update:total'],
  },
  {
    _id: 'transformer:fail',
    _type: 'transformer',
    code: "export default () => { throw new Error('x') }",
  },
  { _id: 'integration:replay', _type: 'integration', provider: 'recorded', replay_latency: true },
  ...KEYS.map((key) => ({
    _id: `recorded_call:${key}`,
    _type: 'recorded_call',
    integration: 'integration:replay',
    key,
    response: { text: `answer to ${key}`, usage: { input_tokens: 7, output_tokens: 3 } },
    latency_ms: 8,
  })),
  { _id: 'prompt:ask', _type: 'prompt', template: 'Who is {name}?', variables: ['name'] },
  {
    _id: 'pipeline:sub',
    _type: 'pipeline',
    stages: [{ name: 'release', transformer: 'transformer:release', inputs: ['name'] }],
  },
  {
    _id: 'engine:mixed',
    _type: 'execution_engine',
    permissions: ['db.query:total'],
    code: `export default async function mixed({ name }, { executeStage, checkpoint, sleep, now }) {
      const started = now();
      const said = await executeStage({ name: 'ask', prompt: 'prompt:ask' }, { name });
      const [answer, sub, failed] = await Promise.all([
        executeStage({ name: 'answer', integration: 'integration:replay', key: '$name', inputs: '$said' }, { name, said }),
        executeStage({ name: 'sub', pipeline: 'pipeline:sub' }, { name }),
        executeStage({ name: 'fail', transformer: 'transformer:fail' }).catch((error) => error.code),
        executeStage({ name: 'total', transformer: 'transformer:total' }),
      ]);
      await executeStage({ name: 'mark', transformer: 'transformer:mark' }, { name });
      const seen = db.query({ _type: 'total' }).first()?.n ?? 0;
      if (seen < 1) throw new Error('the total that was added is not there');
      const laps = [];
      for (let n = 0; n < ${LAPS}; n++) {
        laps.push(await executeStage({ name: 'lap', transformer: 'transformer:lap' }, { name, n }));
        if (n % 5 === 4) await checkpoint({ name, n, seen });
      }
      await executeStage({ name: 'tell', emit: { event: 'told', key: '$name' } }, { name });
      const heard = await Promise.all([
        executeStage({ name: 'hear', wait: { event: 'told', key: '$name' } }, { name }),
        sleep(5),
      ]);
      return { answer: answer.text, sub, failed, laps, waited: now() >= started, heard: heard.length };
    }`,
  },
  {
    _id: 'engine:undone',
    _type: 'execution_engine',
    on_error: 'compensate',
    code: `export default async function undone({ name }) {
      await executeStage({
        name: 'hold',
        prompt: 'prompt:ask',
        compensate: [{ name: 'release', transformer: 'transformer:release', inputs: { name: { $concat: ['un', '$name'] } } }],
      }, { name });
      await executeStage({ name: 'fail', transformer: 'transformer:fail' });
    }`,
  },
];

/** The paths at which every run leaves exactly one checkpoint, by what they begin with. */
const LAP_PATHS = Array.from(
  { length: LAPS },
  (_, n) => `program/${7 + n + Math.floor(n / 5)}/lap`,
);
export const PATHS = [
  'program',
  'program/1/ask',
  'program/2/answer',
  'program/3/sub',
  'program/4/fail',
  'program/5/total',
  'program/6/mark',
  ...LAP_PATHS,
  'program/12/checkpoint',
  'program/14/tell',
  'program/15/hear',
  'program/16/sleep',
];
