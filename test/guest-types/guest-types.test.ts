import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'jdbx-guest-types-'));

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'jdbx'));
  mkdirSync(join(folder, 'node_modules', '@types'));
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler says of a transformer's source, in a project of its own. */
function compile(name: string, source: string, options: object): Promise<string> {
  const project = join(folder, name);
  mkdirSync(project);
  writeFileSync(join(project, 'transformer.ts'), source);
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023'],
    module: 'preserve',
    moduleResolution: 'bundler',
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    ...options,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  const args = [join(root, 'node_modules', '.bin', 'tsc'), '-p', project];
  return new Promise((resolve) => {
    execFile(args[0] as string, args.slice(1), (_, stdout) => resolve(stdout));
  });
}

const SAMPLE = `
import type { Session, Transformer } from 'jdbx/guest';

interface Order { customer: string; lines: { price: number; count?: number }[]; placed: Date }
interface Input { order_id: string; rate: number }

const total: Transformer<Input, { sum: number }> = async ({ order_id, rate }) => {
  const order = db.get<Order>(order_id);
  if (!order) throw new JdbxError('NO_ORDER', order_id);
  const id: string = order._id;
  const revision: number = order._rev;
  const sum = order.lines.reduce((all, { price, count = 1 }) => all + price * count, 0) * rate;
  const saved = await db.put({ _type: 'total', order: id, sum, at: order.placed, tags: ['a', null] });
  const tags: readonly (string | null)[] = saved.tags;
  db.insert({ _type: 'note', _id: 'note:1' });
  db.update({ _type: 'order' }, { $inc: { seen: 1 }, $set: { 'a.b': [1] } }, { many: true });
  const cheap = db.query<Order>({ _type: 'order' }).sort({ placed: -1 }).limit(3);
  for (const each of await cheap) console.log(each.customer.toUpperCase(), each.placed.getTime());
  const first = db.query<Order>({}).first()?.customer;
  const many: (string | undefined)[] = db.getMany<Order>(['a']).map((each) => each?.customer);
  const names = db.query({ _type: 'x' }).map((each) => each.anything as string);
  const [group] = db.aggregate<{ _id: string; n: number }>([{ $match: {} }]);
  const { removed } = db.remove('a');
  const answer = llm.call('integration:fast', { prompt: 'x', system: 'y' }).text;
  const url = new URL('/a', 'https://example.com');
  url.searchParams.set('q', btoa(answer) + crypto.randomUUID() + String(group?.n ?? removed));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(url.href));
  console.table(structuredClone([{ digest: digest.byteLength, first, many, names, tags, revision }]));
  try { db.history('x') } catch (error) { if (error instanceof JdbxError) console.warn(error.code) }
  return { sum };
};
export default total;

export function bySession(session: Session<{ topic: string }>, task: string): string {
  return session.state.topic + task + session.turns;
}
`;

const REFUSED = `
import type { Transformer } from 'jdbx/guest';
export {};
interface Order { lines: number[] }
// @ts-expect-error a document has a type
db.put({ n: 1 });
// @ts-expect-error an id is a text
db.put({ _type: 'a', _id: 5 });
// @ts-expect-error functions are no data
db.put({ _type: 'a', run: () => 1 });
// @ts-expect-error nor deep within
db.insert({ _type: 'a', list: [{ key: Symbol('x') }] });
// @ts-expect-error no such verb
db.drop('a');
// @ts-expect-error no such operator
db.update('a', { $sett: { x: 1 } });
// @ts-expect-error adds numbers only
db.update('a', { $inc: { x: '1' } });
// @ts-expect-error it may not be there
db.get<Order>('a').lines;
// @ts-expect-error it has no such field
db.query<Order>({}).first()?.line;
// @ts-expect-error one way or the other
db.query({}).sort({ a: 2 });
// @ts-expect-error exactly one thing is said
llm.call('a', { system: 'x' });
// @ts-expect-error there are no timers
setTimeout(() => 1, 5);
// @ts-expect-error nor a network
fetch('http://a');
// @ts-expect-error nor is it Node
process.exit();
// @ts-expect-error nor a page
document.title;
// @ts-expect-error another hash is not there
crypto.subtle.digest('MD5', new Uint8Array(1));
// @ts-expect-error gives something else than it says
export const wrong: Transformer<{ n: number }, string> = ({ n }) => n;
`;

describe('the types of the guest API', () => {
  it('let a transformer compile, by "types" in tsconfig.json', async () => {
    expect(await compile('sample', SAMPLE, { types: ['jdbx/guest'] })).toBe('');
  }, 60_000);

  it('refuse what the sandbox would refuse', async () => {
    expect(await compile('refused', REFUSED, { types: ['jdbx/guest'] })).toBe('');
  }, 60_000);

  it('come by a reference in the file too', async () => {
    const source = `/// <reference types="jdbx/guest" />\nexport default () => db.query({ _type: 'a' }).count().toFixed();`;
    expect(await compile('reference', source, { types: [] })).toBe('');
    const without = 'export default () => db.query({}).count();';
    expect(await compile('without', without, { types: [] })).toContain("Cannot find name 'db'");
  }, 60_000);

  it('bear with the types of Node and of pages', async () => {
    const lib = ['es2023', 'dom'];
    const options = { types: ['jdbx/guest', 'node'], lib, skipLibCheck: true };
    const source = 'export default () => [db.get("a"), new URL("a:b").href, console.log(1)]';
    expect(await compile('beside', source, options)).toBe('');
  }, 60_000);
});
