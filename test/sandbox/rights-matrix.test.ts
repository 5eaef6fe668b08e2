import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Jdbx, NewDocument } from '#jdbx/index.js';
import { NEAR_VERBS } from '#jdbx/pipelines/guests/near-reads.js';
import { VERBS } from '#jdbx/sandbox/permissions.js';
import { canFollow } from '#jdbx/storage/follower.js';
import { openStore, pipeline, runStage, transformer } from '../pipelines/support.js';
import { openNearStore } from './near-store.js';

/**
 * Every verb × how its permission is listed × where the guest runs. What must
 * come of a cell is said by `expected`, a model that knows nothing of the code.
 */
const GRANTS = {
  unlisted: () => [],
  listed: (verb: string) => [verb],
  'listed for another type': (verb: string) => [
    verb === 'llm.call' ? `${verb}:integration:other` : `${verb}:other`,
  ],
  'listed for this type': (verb: string) => [
    verb === 'llm.call' ? `${verb}:integration:model` : `${verb}:thing`,
  ],
} as const;
type Grant = keyof typeof GRANTS;

/** The call, and how much came back of it. */
const USES: Readonly<Record<string, string>> = {
  'db.get': 'db.get("thing:1") ? 1 : 0',
  'db.getMany': 'db.getMany(["thing:1"]).filter(Boolean).length',
  'db.query': 'db.query({ _id: "thing:1" }).toArray().length',
  'db.aggregate': 'db.aggregate([{ $match: { _id: "thing:1" } }]).length',
  'db.history': 'db.history("thing:1").length > 0 ? 1 : 0',
  'db.insert': 'db.insert({ _id: "thing:new", _type: "thing" }) ? 1 : 0',
  'db.put': 'db.put({ _id: "thing:1", _type: "thing", n: 2 }) ? 1 : 0',
  'db.update': 'db.update("thing:1", { $set: { n: 2 } }).matched',
  'db.remove': 'db.remove("thing:1").removed',
  'llm.call': 'llm.call("integration:model", "Lima is the capital of Peru.") ? 1 : 0',
};
const READS = ['db.get', 'db.getMany', 'db.query', 'db.aggregate', 'db.history'];

function expected(verb: string, grant: Grant): number | string {
  if (grant === 'unlisted') return 'PERMISSION_DENIED';
  if (grant !== 'listed for another type') return 1;
  return READS.includes(verb) ? 0 : 'PERMISSION_DENIED';
}

/** Of lists that a guest is kept to, all of them: the least that one gives. */
function ofBoth(verb: string, lists: readonly (readonly string[])[]): number | string {
  const given = lists.map((list): Grant => {
    if (list.includes(verb)) return 'listed';
    if (list.includes(`${verb}:thing`)) return 'listed for this type';
    return list.includes(`${verb}:other`) ? 'listed for another type' : 'unlisted';
  });
  if (given.includes('unlisted')) return expected(verb, 'unlisted');
  const other = given.includes('listed for another type');
  // Types that no two lists share are no right at all.
  if (other && given.includes('listed for this type')) return expected(verb, 'unlisted');
  return expected(verb, other ? 'listed for another type' : 'listed');
}

const telling = (expression: string) =>
  `function f() { try { return ${expression} } catch (e) { return e.code ?? String(e) } }`;

/** Where a guest may run; each gives what the guest returned. */
const PLACES: Readonly<Record<string, (db: Jdbx, guest: NewDocument) => Promise<unknown>>> = {
  'a stage of its own': (db, guest) => runStage(db, { transformer: guest._id }, {}, [guest]),
  'a child pipeline': (db, guest) => {
    const child = pipeline(`child-${++made}`, [{ name: 'inner', transformer: guest._id }]);
    return runStage(db, { pipeline: child._id }, {}, [guest, child]);
  },
  'a child of a child, in parallel': async (db, guest) => {
    const inner = pipeline(`inner-${++made}`, [{ name: 'inner', transformer: guest._id }]);
    const outer = pipeline(`outer-${made}`, [{ name: 'outer', pipeline: inner._id }]);
    const parallel = { one: [{ name: 'stage', pipeline: outer._id }] };
    const output = await runStage(db, { parallel }, {}, [guest, inner, outer]);
    return (output as { one: unknown }).one;
  },
  'a tool that lists the same': (db, guest) => runTool(db, guest, guest.permissions),
  'a tool, by the document itself': (db, guest) => runStage(db, { tool: guest._id }, {}, [guest]),
};
let made = 0;

/** A tool document that names the guest, and may list permissions of its own. */
function runTool(db: Jdbx, guest: NewDocument, permissions: unknown): Promise<unknown> {
  const named = { _id: `tool:${++made}`, _type: 'tool', transformer: guest._id };
  const tool = permissions === undefined ? named : { ...named, permissions };
  return runStage(db, { tool: named._id }, {}, [guest, tool as NewDocument]);
}

const guestOf = (code: string, permissions: readonly string[]) =>
  transformer(`matrix-${++made}`, code, { permissions });

/**
 * Where reads are answered: in the caller's thread, as for every store in memory, or in the
 * guest's own, out of files.
 */
const ROADS: Readonly<Record<string, () => Promise<Jdbx>>> = {
  far: () => openStore(),
  ...(canFollow ? { near: openNearStore } : {}),
};

const opened: Record<string, Jdbx> = {};
let db: Jdbx;
afterAll(() => Promise.all(Object.values(opened).map((each) => each.close())));
async function prepare(road: string): Promise<void> {
  opened[road] ??= await (ROADS[road] as () => Promise<Jdbx>)();
  db = opened[road];
  await db.remove({ _type: { $in: ['thing', 'other'] } }, { many: true });
  await db.put([
    { _id: 'thing:1', _type: 'thing', n: 1 },
    { _id: 'other:1', _type: 'other', n: 1 },
    { _id: 'versioning:thing', _type: 'versioning', type: 'thing', keep: 5 },
    { _id: 'integration:model', _type: 'integration', provider: 'extractive' },
  ]);
}

for (const [place, run] of Object.entries(PLACES)) {
  describe.each(Object.keys(ROADS))(`in ${place}, reads %s`, (road) => {
    beforeEach(() => prepare(road));
    // Writes go one road only.
    const verbs = road === 'far' ? VERBS : NEAR_VERBS;
    for (const grant of Object.keys(GRANTS) as Grant[]) {
      test.each(verbs.map((verb) => [verb]))(`%s ${grant}`, async (verb) => {
        const code = telling(USES[verb] as string);
        const { near } = db.guestReads;
        expect(await run(db, guestOf(code, GRANTS[grant](verb)))).toBe(expected(verb, grant));
        // A refusal is the caller's to tell and to put on record.
        const isNear = road === 'near' && grant !== 'unlisted';
        expect(db.guestReads.near - near).toBe(isNear ? 1 : 0);
        const isWritten = /put|insert|update|remove/.test(verb) && expected(verb, grant) === 1;
        const n = (await db.get('thing:1'))?.n;
        const isNew = (await db.get('thing:new')) !== undefined;
        expect(n !== 1 || isNew).toBe(isWritten);
      });
    }
  });
}

describe('rights do not widen', () => {
  beforeEach(() => prepare('far'));
  test('by a pipeline whose other stages have more', async () => {
    const strong = guestOf('const f = () => 1', ['db.put', 'db.get', 'db.remove']);
    const weak = guestOf(telling('db.put({ _type: "thing" })'), ['db.get:other']);
    await db.put([strong, weak]);
    const stages = [strong, weak].map(({ _id }, n) => ({ name: `s${n}`, transformer: _id }));
    await db.put(pipeline('mixed', stages));
    expect((await db.run('pipeline:mixed', {})).output).toBe('PERMISSION_DENIED');
  });

  test('by the same code under another document', async () => {
    const code = telling(USES['db.put'] as string);
    const run = PLACES['a stage of its own'] as (db: Jdbx, guest: NewDocument) => Promise<unknown>;
    expect(await run(db, guestOf(code, ['db.put']))).toBe(1);
    expect(await run(db, guestOf(code, ['db.get']))).toBe('PERMISSION_DENIED');
    expect(await run(db, guestOf(code, ['db.put:thing']))).toBe(1);
  });

  const lists = [undefined, [], ['VERB'], ['VERB:other'], ['VERB:thing'], ['VERB:thing', 'db.get']];
  test.each(VERBS.filter((verb) => verb !== 'llm.call'))(
    'by a tool: %s is what both lists give',
    async (verb) => {
      const filled = (list: string[]) => list.map((each) => each.replace('VERB', verb));
      for (const ofTool of lists) {
        for (const ofGuest of lists) {
          await prepare('far');
          const [tool, own] = [ofTool && filled(ofTool), filled(ofGuest ?? [])];
          const guest = guestOf(telling(USES[verb] as string), own);
          const both = [own, ...(tool ? [tool] : [])];
          expect(await runTool(db, guest, tool), JSON.stringify(both)).toBe(ofBoth(verb, both));
        }
      }
    },
  );

  test('by a tool that names a pipeline, which cannot list any', async () => {
    const tool = { _id: 'tool:p', _type: 'tool', pipeline: 'pipeline:p', permissions: ['db.get'] };
    await db.put(pipeline('p', [{ name: 'none', transformer: 'transformer:none' }]));
    const given = runStage(db, { tool: 'tool:p' }, {}, [
      tool,
      transformer('none', 'const f = () => 1'),
    ]);
    await expect(given).rejects.toThrow(/permissions/);
  });

  test('by writing a transformer with more, when every type may be written', async () => {
    const code = telling(
      'db.put({ _id: "transformer:evil", _type: "transformer", code: "const f = () => 1", permissions: ["db.remove"] })',
    );
    expect(
      await runStage(db, { transformer: 'transformer:w' }, {}, [
        { ...transformer('w', code), permissions: ['db.put'] },
      ]),
    ).toBe('PERMISSION_DENIED');
    expect(await db.get('transformer:evil')).toBeUndefined();
  });
});

describe('no permission reaches what the store goes by', () => {
  beforeEach(() => prepare('far'));
  const protectedTypes = [
    'credential',
    'audit',
    'index',
    'alias',
    'schema',
    'versioning',
    'run',
    'checkpoint',
  ];
  const writes = {
    'db.put': (type: string) => `db.put({ _id: "${type}:x", _type: "${type}" })`,
    'db.insert': (type: string) => `db.insert({ _id: "${type}:x", _type: "${type}" })`,
    'db.update': (type: string) => `db.update({ _type: "${type}" }, { $set: { a: 1 } })`,
    'db.update, turning another document into one': (type: string) =>
      `db.update("thing:1", { $set: { _type: "${type}" } })`,
    'db.update, by upsert': (type: string) =>
      `db.update({ _type: "${type}", _id: "${type}:x" }, { $set: { a: 1 } }, { upsert: true })`,
    'db.remove': (type: string) => `db.remove({ _type: "${type}" })`,
  };
  for (const [write, use] of Object.entries(writes)) {
    test.each(protectedTypes)(`${write}: %s`, async (type) => {
      const verb = write.split(',')[0] as string;
      const before = await db.query({ _type: type }).toArray();
      for (const permissions of [[verb], [`${verb}:${type}`], [verb, `${verb}:${type}`]]) {
        const given = await runStage(db, { transformer: 'transformer:p' }, {}, [
          { ...transformer('p', telling(use(type))), permissions },
        ]).catch(({ details }) => details.code);
        expect([
          'PROTECTED_TYPE',
          'PERMISSION_DENIED',
          'INVALID_DOCUMENT',
          'INVALID_UPDATE',
        ]).toContain(given);
      }
      const after = await db.query({ _type: type }).toArray();
      // A run leaves its own traces; nothing that was there has changed, and nothing of the guest's is.
      expect(after.filter(({ _id }) => before.some((old) => old._id === _id))).toEqual(before);
      expect(await db.get(`${type}:x`)).toBeUndefined();
      expect((await db.get('thing:1'))?._type).toBe('thing');
    });
  }

  test.each(Object.keys(ROADS))('and none reads a credential, by no verb, %s', async (road) => {
    await prepare(road);
    await db.put({ _id: 'credential:key', _type: 'credential', env: 'A_SECRET_NAME' });
    const reads = [
      'db.get("credential:key")',
      'db.getMany(["credential:key"])',
      'db.query({ _type: "credential" }).toArray()',
      'db.query({ env: { $regex: "SECRET" } }).toArray()',
      'db.query({ _id: "credential:key" }).count()',
      'db.query({}).toArray().filter((d) => d._type === "credential")',
      'db.aggregate([{ $match: { _type: "credential" } }])',
      'db.aggregate([{ $limit: 1 }, { $lookup: { from: "credential", pipeline: [], as: "all" } }, { $project: { all: 1 } }])',
      'db.aggregate([{ $unionWith: "credential" }]).filter((d) => d._type === "credential")',
      'db.history("credential:key")',
    ];
    const verbs = ['db.get', 'db.getMany', 'db.query', 'db.aggregate', 'db.history'];
    for (const read of reads) {
      for (const permissions of [verbs, verbs.map((verb) => `${verb}:credential`)]) {
        const given = await runStage(db, { transformer: 'transformer:r' }, {}, [
          { ...transformer('r', telling(`JSON.stringify(${read})`)), permissions },
        ]);
        expect(String(given), read).not.toMatch(/A_SECRET_NAME|credential:key|^1$/);
      }
    }
  });
});
