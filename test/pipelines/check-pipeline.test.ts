import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { KIND_FIELDS } from '#jdbx/pipelines/check-pipeline.js';
import { failure, openStore } from './support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
});

afterAll(() => db.close());

const T = { transformer: 'transformer:t' };
const I = { integration: 'integration:i' };
const S = [{ name: 's', ...T }];

function put(stages: unknown, more: object = {}) {
  return db.put({ _id: 'pipeline:p', _type: 'llm_pipeline', stages, ...more });
}

describe('a pipeline document is refused when it is written', () => {
  const cases: [what: string, stages: unknown, path: string][] = [
    ['without stages', undefined, 'stages'],
    ['with no stage', [], 'stages'],
    ['with stages that are no list', { name: 'a' }, 'stages'],
    ['with a stage that is no object', ['a'], 'stages.0'],
    ['with a stage without a name', [T], 'stages.0.name'],
    ['with a name that is a path', [{ name: 'a/b', ...T }], 'stages.0.name'],
    ['with a reserved name', [{ name: 'input', ...T }], 'stages.0.name'],
    ['with a name twice', [...S, ...S], 'stages.1.name'],
    ['with a stage that does nothing', [{ name: 'a' }], 'stages.0'],
    ['with a stage that does two things', [{ name: 'a', ...T, ...I }], 'stages.0'],
    ['with two templates', [{ name: 'a', prompt: 'p', template_ref: 'q' }], 'stages.0'],
    ['with a template beside a map', [{ name: 'a', prompt: 'p', map: {} }], 'stages.0.prompt'],
    ['with a field that it does not know', [{ name: 'a', ...T, retries: 3 }], 'stages.0.retries'],
    [
      'with a field of another kind',
      [{ name: 'a', ...T, at_most_once: true }],
      'stages.0.at_most_once',
    ],
    ['with inputs beside a map', [{ name: 'a', inputs: [], map: {} }], 'stages.0.inputs'],
    ['with an id that is none', [{ name: 'a', transformer: 5 }], 'stages.0.transformer'],
    ['with an input that is no name', [{ name: 'a', ...T, inputs: ['a', 5] }], 'stages.0.inputs.1'],
    ['with a timeout of nothing', [{ name: 'a', ...T, timeout: 0 }], 'stages.0.timeout'],
    ['with retry but no attempts', [{ name: 'a', ...T, retry: {} }], 'stages.0.retry.attempts'],
    [
      'with a backoff that it does not know',
      [{ name: 'a', ...T, retry: { attempts: 2, backoff: 'linear' } }],
      'stages.0.retry.backoff',
    ],
    [
      'with codes that are none',
      [{ name: 'a', ...T, retry: { attempts: 2, codes: ['OOPS'] } }],
      'stages.0.retry.codes.0',
    ],
    ['with an on_error that is none', [{ name: 'a', ...T, on_error: 'skip' }], 'stages.0.on_error'],
    [
      'with an on_error that says more',
      [{ name: 'a', ...T, on_error: { continue: 1, log: true } }],
      'stages.0.on_error',
    ],
    ['with params that are no object', [{ name: 'a', ...I, params: 5 }], 'stages.0.params'],
    ['with too much history', [{ name: 'a', ...I, history: 1_000 }], 'stages.0.history'],
    ['with a branch that is no list', [{ name: 'a', parallel: { b: T } }], 'stages.0.parallel.b'],
    ['with no branch', [{ name: 'a', parallel: {} }], 'stages.0.parallel'],
    [
      'with a branch’s stage that is wrong',
      [{ name: 'a', parallel: { b: [{ name: 'c' }] } }],
      'stages.0.parallel.b.0',
    ],
    ['with a map over nothing', [{ name: 'a', map: { stages: S } }], 'stages.0.map.over'],
    [
      'with a map that says what it does not know',
      [{ name: 'a', map: { over: '$input', stages: S, parallel: 4 } }],
      'stages.0.map.parallel',
    ],
    [
      'with a loop without a bound',
      [{ name: 'a', loop: { while: true, stages: S } }],
      'stages.0.loop.max',
    ],
    [
      'with a loop without a condition',
      [{ name: 'a', loop: { max: 3, stages: S } }],
      'stages.0.loop',
    ],
    [
      'with a loop that never begins',
      [{ name: 'a', loop: { while: false, max: 3, stages: S } }],
      'stages.0.loop.while',
    ],
    [
      'with a case that cannot be reached',
      [
        {
          name: 'a',
          branch: {
            cases: [
              { when: true, stages: S },
              { when: '$input', stages: S },
            ],
          },
        },
      ],
      'stages.0.branch.cases.1',
    ],
    [
      'with a default that cannot be reached',
      [{ name: 'a', branch: { cases: [{ when: true, stages: S }], default: S } }],
      'stages.0.branch.default',
    ],
    [
      'with a case’s name twice',
      [
        {
          name: 'a',
          branch: {
            cases: ['$input.a', '$input.b'].map((when) => ({ name: 'c', when, stages: S })),
          },
        },
      ],
      'stages.0.branch.cases.1.name',
    ],
    ['with a wait for nothing', [{ name: 'a', wait: {} }], 'stages.0.wait'],
    ['with a wait for two things', [{ name: 'a', wait: { ms: 1, signal: 's' } }], 'stages.0.wait'],
    [
      'with a key without an event',
      [{ name: 'a', wait: { ms: 1, key: 1 } }],
      'stages.0.wait.event',
    ],
    [
      'with an answer’s schema that is none',
      [{ name: 'a', wait: { answer: { schema: { type: 'money' } } } }],
      'stages.0.wait.answer.schema',
    ],
    [
      'with a retry of a wait',
      [{ name: 'a', wait: { ms: 1 }, retry: { attempts: 2 } }],
      'stages.0.retry',
    ],
    ['with an event without a name', [{ name: 'a', emit: { value: 1 } }], 'stages.0.emit.event'],
    [
      'with a goto that leads back',
      [...S, { name: 'a', ...T, on_error: { goto: 's' } }],
      'stages.1.on_error.goto',
    ],
    ['with a cache that is none', [{ name: 'a', ...T, cache: { age: 5 } }], 'stages.0.cache'],
    [
      'with a cache of a container',
      [{ name: 'a', parallel: { b: S }, cache: true }],
      'stages.0.cache',
    ],
    [
      'with a compensation that is wrong',
      [{ name: 'a', ...T, compensate: [{ name: 'b' }] }],
      'stages.0.compensate.0',
    ],
    ['with a reference to nothing', [{ name: 'a', ...T, when: '$check.ok' }], 'stages.0.when'],
    [
      'with a reference to a later stage',
      [{ name: 'a', ...T, inputs: { x: '$s' } }, ...S],
      'stages.0.inputs',
    ],
    [
      'with a reference out of a branch',
      [
        { name: 'p', parallel: { b: S } },
        { name: 'a', ...T, inputs: '$s' },
      ],
      'stages.1.inputs',
    ],
    [
      'with session changes that are no operators',
      [{ name: 'a', ...T, session: { done: 1 } }],
      'stages.0.session.done',
    ],
  ];

  it.each(cases)('%s', async (_, stages, path) => {
    expect(await failure(put(stages))).toMatchObject({ code: 'INVALID_PIPELINE', path });
  });

  it.each([
    ['when', { when: { $greater: [1, 2] } }, 'stages.0.when'],
    ['inputs', { inputs: { a: { $nope: 1 } } }, 'stages.0.inputs.a'],
    ['a map', { transformer: undefined, map: { over: '$', stages: S } }, 'stages.0.map.over'],
    ['session', { session: { $set: { a: { $nope: 1 } } } }, 'stages.0.session.$set.a'],
    [
      'a session’s modifier',
      { session: { $push: { a: { $each: [{ $nope: 1 }] } } } },
      'stages.0.session.$push.a.$each.0',
    ],
  ])('with an expression that is none, in %s', async (_, stage, path) => {
    expect(await failure(put([{ name: 'a', ...T, ...stage }]))).toMatchObject({
      code: 'INVALID_EXPRESSION',
      path,
    });
  });

  it('with an output or a timeout that is none', async () => {
    expect(await failure(put(S, { output: { $nope: 1 } }))).toMatchObject({
      code: 'INVALID_EXPRESSION',
      path: 'output',
    });
    expect(await failure(put(S, { timeout: -1 }))).toMatchObject({ path: 'timeout' });
  });

  it('with an output that refers to nothing', async () => {
    expect(await failure(put(S, { output: { a: '$t' } }))).toMatchObject({
      code: 'INVALID_PIPELINE',
      path: 'output',
      message: expect.stringContaining('known are input, session, session_id, history, error, s'),
    });
  });

  it('and nothing of it is stored', async () => {
    expect(await db.get('pipeline:p')).toBeUndefined();
  });
});

it('a pipeline document may name definitions that come later', async () => {
  await put([{ name: 'later', transformer: 'transformer:later' }]);
  expect(await db.get('pipeline:p')).toMatchObject({ _rev: 1 });
});

describe('the schema that is published', () => {
  const file = new URL('../../src/pipelines/pipeline.schema.json', import.meta.url);
  const schema = JSON.parse(readFileSync(file, 'utf8'));

  it('is found by its name in the package, and knows every kind of stage', () => {
    expect(import.meta.resolve('jdbx/schemas/pipeline.json')).toBe(file.href);
    const kinds = schema.$defs.stage.oneOf.flatMap(({ required = [] }) => required);
    expect(kinds).toEqual([...KIND_FIELDS]);
  });

  it('is sound by the schema of schemas', () => {
    const validator = new Ajv2020({ strict: false });
    validator.validateSchema(schema, true);
    expect(() => validator.validateSchema({ ...schema, type: 1 }, true)).toThrow(/type/);
  });

  it('describes every field of a stage, for whoever writes one in an editor', () => {
    const described = Object.values<{ description?: string; $ref?: string }>(
      schema.$defs.stage.properties,
    ).map(
      ({ description, $ref }) =>
        description ?? schema.$defs[$ref?.split('/').at(-1) ?? '']?.description,
    );
    expect(described.every((text) => typeof text === 'string')).toBe(true);
  });
});
