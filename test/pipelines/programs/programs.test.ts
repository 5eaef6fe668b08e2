import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { failure, openStore, runFailure, transformer, until } from '../support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
  await db.put([
    transformer('double', 'export default (n) => n * 2'),
    transformer(
      'mark',
      "export default ({ name }) => db.insert({ _id: 'mark:' + name, _type: 'mark' })._id",
      { permissions: ['db.insert:mark'] },
    ),
    transformer(
      'unmark',
      "export default ({ name }) => { db.remove('mark:' + name); db.insert({ _id: 'gone:' + name, _type: 'mark' }) }",
      { permissions: ['db.remove:mark', 'db.insert:mark'] },
    ),
    transformer('boom', "export default () => { throw new Error('boom') }"),
  ]);
});

afterAll(() => db.close());

let count = 0;
async function program(code: string, more: object = {}): Promise<string> {
  const _id = `engine:p${++count}`;
  await db.put({ _id, _type: 'execution_engine', code, ...more });
  return _id;
}

const paths = async (run: string) =>
  (await db.query<{ path: string }>({ _type: 'checkpoint', run })).map(({ path }) => path).sort();

describe('a program', () => {
  it('runs stages one after the other, each with a checkpoint of its own', async () => {
    const id = await program(`
      async function run(input, { executeStage }) {
        const two = await executeStage({ name: 'first', transformer: 'transformer:double' }, input.n);
        return await executeStage({ name: 'second', transformer: 'transformer:double' }, two);
      }`);
    const { id: run, output } = await db.run(id, { n: 3 });
    expect(output).toBe(12);
    expect(await paths(run)).toEqual(['program', 'program/1/first', 'program/2/second']);
  });

  it('runs stages at the same time, and is handed their ends in the order of the commits', async () => {
    const id = await program(`
      export default async ({ names }, { executeStage }) => {
        const order = [];
        const outputs = await Promise.all(names.map(async (name) => {
          const output = await executeStage({ transformer: 'transformer:mark' }, { name });
          order.push(name);
          return output;
        }));
        return { outputs, order };
      }`);
    const names = ['a', 'b', 'c', 'd'];
    const { id: run, output } = await db.run(id, { names });
    const { outputs, order } = output as { outputs: string[]; order: string[] };
    expect(outputs).toEqual(names.map((name) => `mark:${name}`));
    const stages = await db.audit
      .query({ run, kind: 'stage', stage: 'transformer' })
      .sort({ n: 1 });
    const committed = stages.map(({ writes }) => (writes as { id: string }[])[0]?.id.slice(5));
    expect(order).toEqual(committed);
    expect(await db.replay(run)).toMatchObject({ same: true });
  });
});
