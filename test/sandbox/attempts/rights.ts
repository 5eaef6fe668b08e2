import { JdbxError } from '#jdbx/base/errors.js';
import type { Attempt } from './attempt.js';
import { trying } from './attempt.js';

const denied = () => {
  throw new JdbxError('PERMISSION_DENIED', 'db.put is not permitted');
};
const host = { 'db.get': (id: unknown) => `read ${String(id)}`, 'db.put': denied };

/** A refused verb is a function that refuses: there is no way round it inside. */
export const RIGHTS: readonly Attempt[] = [
  trying('a verb that is not listed at all', 'typeof db.remove', 'undefined', { host }),
  trying(
    'a refused verb, and caught it',
    '(() => { try { return db.put({}) } catch (e) { return e.code } })()',
    'PERMISSION_DENIED',
    { host },
  ),
  { tried: 'a refused verb', code: 'const f = () => db.put({})', host, fails: 'PERMISSION_DENIED' },
  {
    tried: 'a refused verb through call',
    code: 'const f = () => db.put.call(db, {})',
    host,
    fails: 'PERMISSION_DENIED',
  },
  {
    tried: 'a refused verb through Reflect',
    code: 'const f = () => Reflect.apply(db.put, db, [{}])',
    host,
    fails: 'PERMISSION_DENIED',
  },
  {
    tried: 'a refused verb through bind',
    code: 'const f = () => db.put.bind(null, {})()',
    host,
    fails: 'PERMISSION_DENIED',
  },
  {
    tried: 'a refused verb, later',
    code: 'async function f() { await 0; return db.put({}) }',
    host,
    fails: 'PERMISSION_DENIED',
  },
  {
    tried: 'a refused verb while it loads',
    code: 'db.put({}); function f() {}',
    host,
    fails: 'PERMISSION_DENIED',
  },
  trying(
    'a permitted verb with the name of another',
    '(() => { const get = db.get; return get("db.put") })()',
    'read db.put',
    { host },
  ),
  trying(
    'to name another verb by its function’s name',
    '(() => { try { Object.defineProperty(db.get, "name", { value: "db.put" }) } catch {} return db.get("x") })()',
    'read x',
    { host },
  ),
  trying(
    'to construct a host function',
    '(() => { try { return typeof new db.get("x") } catch { return "refused" } })()',
    'refused',
    { host },
  ),
  trying(
    'to put a verb of its own beside',
    '(() => { try { db.remove = () => "mine" } catch {} return typeof db.remove })()',
    'undefined',
    { host },
  ),
  trying(
    'to extend a verb’s object by its prototype',
    '(() => { try { Object.setPrototypeOf(db, { remove: 1 }) } catch { return "refused" } })()',
    'refused',
    { host },
  ),
  trying(
    'a verb with a name from Object.prototype',
    '[typeof db.__proto__.put, typeof db.constructor]',
    ['undefined', 'function'],
    { host },
  ),
  trying(
    'to hear who refused',
    '(() => { try { db.put({}) } catch (e) { return [Object.keys(e), /at permit|permissions\\./.test(e.stack ?? "")] } })()',
    [[], false],
    { host },
  ),
  trying(
    'to reuse a refusal as a permission',
    '(() => { try { db.put({}) } catch (e) { try { new e.constructor("x"); db.put({}) } catch (again) { return again.code } } })()',
    'PERMISSION_DENIED',
    { host },
  ),
];
