import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jdbx } from '#jdbx/index.js';
import { failure, openStore, pipeline, runFailure, runGuest, transformer } from './support.js';

let db: Jdbx;

beforeAll(async () => {
  db = await openStore();
  await db.put([
    { _id: 'alias:pattern', _type: 'alias', type: 'pattern', includes: ['code_pattern'] },
    { _id: 'pattern:1', _type: 'pattern', domain: 'x', n: 1 },
    { _id: 'pattern:2', _type: 'code_pattern', domain: 'x', n: 2 },
    { _id: 'note:1', _type: 'note', domain: 'x', n: 3, list: [1, 2, 3] },
    { _id: 'cred:key', _type: 'credential', env: 'SECRET_VARIABLE' },
    { _id: 'index:credential.env', _type: 'index', type: 'credential', key: { env: 1 } },
    { _id: 'index:note.n', _type: 'index', type: 'note', key: { n: 1 } },
  ]);
});

afterAll(() => db.close());

const guest = (body: string, permissions: string[] = [], input: unknown = {}, more = {}) =>
  runGuest(db, `function f(input) { ${body} }`, permissions, input, more);

describe('what a guest writes', () => {
  it('is seen by itself at once, and by others when the stage is committed', async () => {
    const body = `
      db.put({ _id: 'note:own', _type: 'note', n: 1 });
      db.update('note:own', { $inc: { n: 1 } });
      return [db.get('note:own').n, db.query({ _type: 'note', n: 2 }).count()];`;
    expect(await guest(body, ['db.put', 'db.update', 'db.get', 'db.query'])).toEqual([2, 1]);
    expect(await db.get('note:own')).toMatchObject({ n: 2, _rev: 1 });
  });

  it('is not written at all when the guest throws after it', async () => {
    const body = "db.put({ _id: 'note:half', _type: 'note' }); throw new Error('x')";
    expect(await runFailure(guest(body, ['db.put']))).toMatchObject({ code: 'GUEST_ERROR' });
    expect(await db.get('note:half')).toBeUndefined();
  });

  it('is committed together with the checkpoint and the audit record', async () => {
    await db.put([
      transformer('together', "function f() { db.put({ _id: 'note:t', _type: 'note' }) }", {
        permissions: ['db.put:note'],
      }),
      pipeline('together', [{ name: 'write', transformer: 'transformer:together' }]),
    ]);
    const before = db.seq;
    const { id } = await db.run('pipeline:together');
    const commits = new Map<string, number>();
    for await (const change of db.watch({}, { since: before })) {
      commits.set(change.id, change.seq);
      if (change.kind === 'put' && change.document.kind === 'run-end') break;
    }
    const audit = await db.audit.query({ run: id, kind: 'stage' }).first();
    expect(audit).toMatchObject({ writes: [{ id: 'note:t', kind: 'put' }] });
    const seqs = ['note:t', `checkpoint:${id}:write`, audit?._id ?? ''].map((each) =>
      commits.get(each),
    );
    expect(new Set(seqs).size).toBe(1);
  });

  it('may be removed and updated by filter, upserts included', async () => {
    await db.put([
      { _id: 'tmp:1', _type: 'tmp', n: 1 },
      { _id: 'tmp:2', _type: 'tmp', n: 2 },
    ]);
    const body = `
      const removed = db.remove({ _type: 'tmp', n: 1 });
      const updated = db.update({ _type: 'tmp' }, { $set: { seen: true } }, { many: true });
      const made = db.update({ _type: 'tmp', n: 9 }, { $set: { a: 1 }, $setOnInsert: { b: 2 } }, { upsert: true });
      return { removed, updated, made: db.get(made.upserted) };`;
    expect(await guest(body, ['db.remove:tmp', 'db.update:tmp', 'db.get:tmp'])).toMatchObject({
      removed: { removed: 1 },
      updated: { matched: 1, modified: 1 },
      made: { _type: 'tmp', n: 9, a: 1, b: 2 },
    });
  });

  it('runs again on a fresh snapshot when someone else changed it meanwhile', async () => {
    await db.put({ _id: 'counter:1', _type: 'counter', n: 0 });
    const code = `function f() {
      const { n } = db.get('counter:1');
      return db.put({ _id: 'counter:1', _type: 'counter', n: n + 1 }).n;
    }`;
    await db.put([
      transformer('count', code, { permissions: ['db.get', 'db.put'] }),
      pipeline('count', [{ name: 'count', transformer: 'transformer:count' }]),
    ]);
    const runs = await Promise.all(Array.from({ length: 12 }, () => db.run('pipeline:count')));
    expect(await db.get('counter:1')).toMatchObject({ n: 12 });
    const numbers = runs.map(({ output }) => output as number).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
  });

  it('keeps the rules of its type', async () => {
    await db.put({
      _id: 'schema:strict',
      _type: 'schema',
      type: 'strict',
      schema: { required: ['n'] },
    });
    const body = "db.put({ _id: 'strict:1', _type: 'strict' })";
    expect(await runFailure(guest(body, ['db.put']))).toMatchObject({ code: 'SCHEMA_VIOLATION' });
    const broken = "db.put({ _type: 'transformer', code: 'function (' })";
    expect(await runFailure(guest(broken, ['db.put:transformer']))).toMatchObject({
      code: 'GUEST_SYNTAX',
    });
  });
});

describe('a verb that the document does not list', () => {
  it.each([
    ['db.get', "db.get('note:1')"],
    ['db.getMany', "db.getMany(['note:1'])"],
    ['db.query', "db.query({ _type: 'note' }).toArray()"],
    ['db.aggregate', 'db.aggregate([])'],
    ['db.insert', "db.insert({ _type: 'note' })"],
    ['db.put', "db.put({ _type: 'note' })"],
    ['db.update', "db.update('note:1', { $set: { a: 1 } })"],
    ['db.remove', "db.remove('note:1')"],
    ['db.history', "db.history('note:1')"],
    ['llm.call', "llm.call('integration:x', 'hi')"],
  ])('%s is refused, and audited with the document and the permission', async (verb, call) => {
    const document = transformer(`nosy-${verb}`, `function f() { ${call} }`);
    await db.put([
      document,
      pipeline('nosy', [{ name: 's', transformer: document._id as string }]),
    ]);
    const run = await runFailure(db.run('pipeline:nosy', {}, { key: `nosy-${verb}` }));
    expect(run).toMatchObject({ code: 'PERMISSION_DENIED', stage: 's' });
    expect(await db.audit.query({ kind: 'refusal', run: `run:nosy-${verb}` })).toMatchObject([
      { path: 's', document: document._id, document_rev: 1, permission: verb },
    ]);
  });

  it('may be caught by the guest; the refusal is audited all the same', async () => {
    const body = 'try { db.get("note:1") } catch (error) { return error.code }';
    const before = await db.audit.query({ kind: 'refusal' }).count();
    expect(await guest(body)).toBe('PERMISSION_DENIED');
    expect(await db.audit.query({ kind: 'refusal' }).count()).toBe(before + 1);
  });
});

describe('a permission for one type', () => {
  it('sees documents of that type and its aliases, and no others', async () => {
    const rights = [
      'db.get:pattern',
      'db.getMany:pattern',
      'db.query:pattern',
      'db.aggregate:pattern',
    ];
    const body = `
      return {
        get: [db.get('pattern:1').n, db.get('pattern:2').n, db.get('note:1')],
        many: db.getMany(['note:1', 'pattern:2']).map((each) => each && each.n),
        query: db.query({ domain: 'x' }).sort({ n: 1 }).map((each) => each.n),
        alias: db.query({ _type: 'pattern' }).count(),
        other: db.query({ _type: 'note' }).count(),
        first: db.query({ _type: 'note' }).first(),
        sum: db.aggregate([{ $match: { domain: 'x' } }, { $group: { _id: null, n: { $sum: '$n' } } }]),
        joined: db.aggregate([
          { $match: { _id: 'pattern:1' } },
          { $lookup: { from: 'note', localField: 'domain', foreignField: 'domain', as: 'notes' } },
          { $project: { notes: { $size: '$notes' } } },
        ])[0].notes,
      };`;
    expect(await guest(body, rights)).toEqual({
      get: [1, 2, null],
      many: [null, 2],
      query: [1, 2],
      alias: 2,
      other: 0,
      first: null,
      sum: [{ _id: null, n: 3 }],
      joined: 0,
    });
  });

  it('tells nothing of other types by explaining', async () => {
    const explain = "return db.query({ _type: 'note', n: { $gte: 0 } }).explain().keysExamined";
    expect(await guest(explain, ['db.query'])).toBeGreaterThan(0);
    expect(await guest(explain, ['db.query:pattern'])).toBe(0);
  });

  it.each([
    ['db.put', "db.put({ _id: 'x:1', _type: 'note' })", 'db.put:note'],
    ['db.put', "db.put({ _id: 'note:1', _type: 'pattern' })", 'db.put:note'],
    ['db.insert', "db.insert({ _type: 'note' })", 'db.insert:note'],
    ['db.update', "db.update('note:1', { $set: { a: 1 } })", 'db.update:note'],
    ['db.update', "db.update({ _type: 'note' }, { $set: { a: 1 } })", 'db.update:note'],
    ['db.update', "db.update({ _type: 'note', n: 77 }, {}, { upsert: true })", 'db.update:note'],
    [
      'db.update',
      "db.update({ n: 77 }, [{ $set: { _type: 'note' } }], { upsert: true })",
      'db.update:note',
    ],
    ['db.remove', "db.remove('note:1')", 'db.remove:note'],
    ['db.remove', "db.remove({ _type: { $in: ['pattern', 'note'] } })", 'db.remove:note'],
  ])('%s refuses %s', async (verb, call, permission) => {
    const { code, cause } = await runFailure(guest(call, [`${verb}:pattern`]));
    expect(code).toBe('PERMISSION_DENIED');
    expect(cause.details).toMatchObject({ permission });
    expect(await db.get('note:1')).toMatchObject({ _type: 'note', _rev: 1 });
  });

  it('writes by a filter only what it may, and does not tell what else matched', async () => {
    await db.put([
      { _id: 'own:1', _type: 'own', shared: 'yes' },
      { _id: 'note:shared', _type: 'note', shared: 'yes' },
    ]);
    const body = `return [
      db.update({ shared: 'yes' }, { $set: { touched: true } }, { many: true }),
      db.remove({ shared: 'yes' }, { many: true }),
      db.remove({ _id: 'note:shared', shared: 'yes' }),
    ]`;
    expect(await guest(body, ['db.update:own', 'db.remove:own'])).toEqual([
      { matched: 1, modified: 1 },
      { removed: 1 },
      { removed: 0 },
    ]);
    expect(await db.get('note:shared')).toMatchObject({ _rev: 1 });
  });

  it('keeps the positional operator with a filter that had to be narrowed', async () => {
    await db.put({ _id: 'own:list', _type: 'own', list: [1, 5, 9] });
    const body = "return db.update({ list: { $gt: 4 } }, { $set: { 'list.$': 0 } })";
    expect(await guest(body, ['db.update:own'])).toEqual({ matched: 1, modified: 1 });
    expect(await db.get('own:list')).toMatchObject({ list: [1, 0, 9] });
  });
});

describe('a document’s identity', () => {
  it.each([
    ["db.update('note:1', { $set: { _type: 'pattern' } })"],
    ["db.update('note:1', { $rename: { domain: '_type' } })"],
    ["db.update('note:1', [{ $set: { _type: 'pattern' } }])"],
    ["db.update('note:1', [{ $replaceWith: { _id: 'note:1', _type: 'run' } }])"],
    ["db.update('note:1', { $set: { _id: 'note:2' } })"],
  ])('cannot be changed by %s', async (call) => {
    const { code } = await runFailure(guest(call, ['db.update']));
    expect(code).toBe('INVALID_UPDATE');
  });
});

describe('a credential', () => {
  const all = ['db.get', 'db.getMany', 'db.query', 'db.aggregate', 'db.history', 'db.put'];
  const nothing: [string, unknown][] = [
    ["db.get('cred:key')", null],
    ["db.getMany(['cred:key'])", [null]],
    ["db.query({ _type: 'credential' }).toArray()", []],
    ["db.query({ _id: 'cred:key' }).first()", null],
    ["db.query({ _type: 'credential', env: 'SECRET_VARIABLE' }).count()", 0],
    ["db.query({ _type: 'credential', env: 'SECRET_VARIABLE' }).explain().keysExamined", 0],
    ["db.query({ env: { $regex: '^S' } }).count()", 0],
    ["db.aggregate([{ $match: { _type: 'credential' } }])", []],
    ['db.aggregate([{ $match: { env: { $exists: true } } }])', []],
    [
      "db.aggregate([{ $match: { _id: 'note:1' } }, { $lookup: { from: 'credential', pipeline: [], as: 'c' } }])[0].c",
      [],
    ],
    [
      "db.aggregate([{ $match: { _id: 'note:1' } }, { $unionWith: { coll: 'credential' } }]).length",
      1,
    ],
    [
      `db.aggregate([{ $match: { _id: 'note:1' } }, { $graphLookup: {
        from: 'credential', startWith: 'SECRET_VARIABLE', connectFromField: 'env',
        connectToField: 'env', as: 'c' } }])[0].c`,
      [],
    ],
    ["db.history('cred:key')", []],
  ];

  it.each(nothing)('is not read by %s, with every permission', async (call, expected) => {
    expect(await guest(`return ${call}`, all)).toEqual(expected);
  });

  it.each([
    ["db.remove({ _type: 'credential', env: { $regex: '^S' } })"],
    ["db.update({ _type: 'credential', env: 'NOT_THERE' }, { $set: { a: 1 } })"],
    ["db.put({ _id: 'cred:key', _type: 'note' })"],
    ["db.put({ _id: 'cred:new', _type: 'credential', env: 'HOME' })"],
    ["db.remove('cred:key')"],
  ])('is refused by name, whether or not it would match: %s', async (call) => {
    const rights = ['db.remove', 'db.update', 'db.put', 'db.remove:credential'];
    expect(await runFailure(guest(call, rights))).toMatchObject({ code: 'PROTECTED_TYPE' });
  });

  it('cannot be asked for by whether a write would find it', async () => {
    const body = `return [
      db.remove({ env: 'SECRET_VARIABLE' }),
      db.update({ env: { $regex: '^S' } }, { $set: { a: 1 } }, { many: true }),
    ]`;
    expect(await guest(body, ['db.remove', 'db.update'])).toEqual([
      { removed: 0 },
      { matched: 0, modified: 0 },
    ]);
  });

  it('is no definition: a stage that names it as one is refused before the run', async () => {
    for (const stage of [
      { transformer: 'cred:key' },
      { transformer: 'transformer:any', template_ref: 'cred:key' },
      { integration: 'cred:key' },
      { pipeline: 'cred:key' },
    ]) {
      await db.put([
        transformer('any', 'export default (x) => x'),
        pipeline('leak', [{ name: 's', ...stage }]),
      ]);
      const error = await failure(db.run('pipeline:leak'));
      expect([error.code, error.message]).toEqual([
        'INVALID_PIPELINE',
        expect.stringContaining('cred:key is a credential'),
      ]);
    }
  });
});

describe('types that belong to the store', () => {
  it.each([
    'alias',
    'audit',
    'blob',
    'checkpoint',
    'index',
    'intent',
    'run',
    'schema',
    'versioning',
  ])('%s is written by no guest', async (type) => {
    const put = `db.put({ _id: 'x:x', _type: '${type}', type: 'a', includes: [] })`;
    const rights = ['db.put', `db.put:${type}`, 'db.remove', 'db.update'];
    expect(await runFailure(guest(put, rights))).toMatchObject({ code: 'PROTECTED_TYPE' });
    const remove = `db.remove({ _type: '${type}' })`;
    expect(await runFailure(guest(remove, rights))).toMatchObject({ code: 'PROTECTED_TYPE' });
  });

  it('are passed over by a filter that names no type', async () => {
    const before = await db.query({ _type: { $in: ['audit', 'run', 'checkpoint'] } }).count();
    const body = 'return db.remove({ status: { $exists: true } }, { many: true })';
    expect(await guest(body, ['db.remove'])).toEqual({ removed: 0 });
    const after = await db.query({ _type: { $in: ['audit', 'run', 'checkpoint'] } }).count();
    expect(after).toBeGreaterThan(before);
  });

  it('definitions are written only with a permission that names their type', async () => {
    const put = "db.put({ _id: 'integration:evil', _type: 'llm_integration', provider: 'openai' })";
    expect(await runFailure(guest(put, ['db.put']))).toMatchObject({ code: 'PERMISSION_DENIED' });
    await guest(put, ['db.put:integration']);
    expect(await db.get('integration:evil')).toMatchObject({ _type: 'llm_integration' });
  });

  it('are not written by an aggregation', async () => {
    const out = "db.aggregate([{ $match: {} }, { $out: 'note' }])";
    expect(await runFailure(guest(out, ['db.aggregate', 'db.put']))).toMatchObject({
      code: 'INVALID_EXPRESSION',
    });
  });
});

describe('arguments that make no sense', () => {
  it.each([
    ['db.get()'],
    ['db.getMany("note:1")'],
    ['db.getMany([5])'],
    ['db.put()'],
    ['db.put("note")'],
    ['db.insert(null)'],
    ['db.update(5, {})'],
    ['db.remove()'],
    ['db.history({})'],
    ['db.aggregate({})'],
  ])('%s is a coded error', async (call) => {
    const rights = 'get getMany put insert update remove history aggregate'.split(' ');
    const { code } = await runFailure(
      guest(
        call,
        rights.map((verb) => `db.${verb}`),
      ),
    );
    expect(code).toBe('INVALID_DOCUMENT');
  });
});

describe('a guest that misbehaves', () => {
  it.each([
    ['an endless loop', 'for (;;);', { timeout_ms: 100 }, 'GUEST_TIMEOUT'],
    [
      'a memory bomb',
      'const a = []; for (;;) a.push(new Array(1e4).fill(1))',
      { memory_mb: 8 },
      'GUEST_MEMORY',
    ],
    ['endless recursion', 'return (function g() { return 1 + g() })()', {}, 'GUEST_STACK'],
    ['a huge answer', 'return "x".repeat(5000)', { output_kb: 4 }, 'GUEST_OUTPUT'],
    ['an answer that is no data', 'return () => 1', {}, 'GUEST_OUTPUT'],
    ['too many calls', 'for (;;) db.get("note:1")', { host_calls: 5 }, 'GUEST_HOST_CALLS'],
    ['an error', 'null.x', {}, 'GUEST_ERROR'],
  ])('by %s fails its run, and the next one goes on', async (_, body, limits, code) => {
    expect(await runFailure(guest(body, ['db.get'], {}, { limits }))).toMatchObject({
      outer: 'RUN_FAILED',
      code,
      stage: 'stage',
    });
    expect(await guest('return 1')).toBe(1);
  });

  it('by its syntax is refused when the document is written, with line and column', async () => {
    const broken = db.put(transformer('broken', 'function f() {\n  return (;\n}'));
    expect(await failure(broken)).toMatchObject({
      code: 'GUEST_SYNTAX',
      details: { name: 'transformer:broken', line: 2, column: 11 },
    });
    expect(await db.get('transformer:broken')).toBeUndefined();
  });

  it('leaves its last words in the audit trail', async () => {
    const body = "console.log('about to'); throw new Error('fail')";
    await runFailure(guest(body));
    const [entry] = await db.audit.query({ kind: 'stage' }).sort({ _id: -1 }).limit(1);
    expect(entry).toMatchObject({
      status: 'failed',
      error: { code: 'GUEST_ERROR', console: [{ level: 'log', text: 'about to' }] },
    });
  });
});

describe('a guest’s clock and chance', () => {
  it('start from the attempt that the audit trail tells of, and from the stage’s place', async () => {
    const code = 'function f() { return [new Date().toISOString(), Math.random()] }';
    await db.put([
      transformer('chance', code),
      pipeline('chance', [{ name: 's', transformer: 'transformer:chance' }]),
    ]);
    const [one, two] = [await db.run('pipeline:chance'), await db.run('pipeline:chance')];
    const entry = await db.audit.query({ run: one.id, kind: 'stage' }).first();
    expect((one.output as string[])[0]).toBe(entry?.started_at);
    expect((one.output as number[])[1]).not.toBe((two.output as number[])[1]);
  });
});
