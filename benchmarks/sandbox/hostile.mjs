/**
 * What hostile guests leave behind: runs many of them through a pool and prints
 * how the process's memory changed and whether calls still answer.
 *
 *     node benchmarks/sandbox/hostile.mjs [runs]      default 2000
 */
import { GUEST_LIMITS } from '#jdbx/sandbox/contract.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';

const GUESTS = [
  'function f() { const a = []; for (;;) a.push({ a: 1 }) }',
  'function f() { const a = []; for (;;) a.push(new ArrayBuffer(1e6)) }',
  'function f() { let s = "x"; for (;;) s += s }',
  'const f = () => new Array(1e8).fill(0).length',
  'function f() { return f() + 1 }',
  'const f = () => [1].map(f)',
  'const f = () => new RegExp("(".repeat(1e5) + ")".repeat(1e5))',
  'function f() { for (;;); }',
  'async function f() { for (;;) await 0 }',
  'function f() { for (;;) try { f() } catch {} }',
  'const f = () => /^(a+)+$/.test("a".repeat(40) + "b")',
  'function f() { for (;;) try { db.get("x") } catch {} }',
  'function f() { throw new Proxy({}, { getPrototypeOf() { throw 1 } }) }',
  'const f = () => "x".repeat(3e6)',
  'function f() { for (;;) console.log("x".repeat(1e5)) }',
  'globalThis.left = new Uint8Array(1e7).fill(7); const f = () => globalThis',
];
const runs = Number(process.argv[2] ?? 2_000);
const sandbox = createSandbox({ workers: 2 });
const host = { 'db.get': () => null };

function call(code, limits) {
  const name = 'transformer:hostile';
  return sandbox.call({ name, code, args: [], host, limits, now: 0, seed: '' });
}

async function runSome(count) {
  let left = count;
  async function lane() {
    while (left-- > 0) {
      const code = GUESTS[left % GUESTS.length];
      const limits = { ...GUEST_LIMITS.defaults, timeoutMs: 60, memoryBytes: 32 * 2 ** 20 };
      await call(code, { ...limits, hostCalls: 20 }).catch(() => {});
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()]);
}

const rssMb = () => Math.round(process.memoryUsage().rss / 2 ** 20);
await runSome(100);
const before = rssMb();
const begun = performance.now();
await runSome(runs);
const seconds = (performance.now() - begun) / 1_000;
const after = rssMb();
const { value } = await call('const f = () => 42', GUEST_LIMITS.defaults);
console.log(JSON.stringify({ runs, seconds, rssBeforeMb: before, rssAfterMb: after, value }));
await sandbox.close();
