/**
 * What hostile guests leave behind: runs many of them through a pool, and looks
 * at the process's memory. What waits to be collected comes and goes, so the
 * least seen in the first tenth is held against the least in the last. Ends with
 * 1 when more than 32 MB stayed, when a guest had to be ended with its worker, or
 * when calls no longer answer.
 *
 *     npm run torture:sandbox -- [runs]      default 10000
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
const STAYED_MB_MAX = 32;
const runs = Number(process.argv[2] ?? 10_000);
// So wide that only a guest which does not stop by itself is ended, however busy the machine is.
const sandbox = createSandbox({ workers: 2, graceMs: 3_000 });
const host = { 'db.get': () => null };

function call(code, limits) {
  const name = 'transformer:hostile';
  return sandbox.call({ name, code, args: [], host, limits, now: 0, seed: '' });
}

const outcomes = {};
let endedWithWorker = 0;
const rssMb = [];

async function runSome(count) {
  let left = count;
  async function lane() {
    while (left-- > 0) {
      const code = GUESTS[left % GUESTS.length];
      const limits = { ...GUEST_LIMITS.defaults, timeoutMs: 60, memoryBytes: 32 * 2 ** 20 };
      await call(code, { ...limits, hostCalls: 20 }).then(() => note({ code: 'value' }), note);
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()]);
}

function note({ code, message = '' }) {
  outcomes[code] = (outcomes[code] ?? 0) + 1;
  if (message.includes('ended with its worker')) endedWithWorker++;
  rssMb.push(process.memoryUsage().rss / 2 ** 20);
}

await runSome(Math.max(300, Math.ceil(runs / 20)));
rssMb.length = 0;
const begun = performance.now();
await runSome(runs);
const seconds = (performance.now() - begun) / 1_000;
const tenth = Math.ceil(rssMb.length / 10);
const [firstMb, lastMb] = [rssMb.slice(0, tenth), rssMb.slice(-tenth)].map((part) =>
  Math.round(Math.min(...part)),
);
const { value } = await call('const f = () => 42', GUEST_LIMITS.defaults);
console.log(JSON.stringify({ runs, seconds, firstMb, lastMb, endedWithWorker, outcomes, value }));
await sandbox.close();
const isWhole = value === 42 && endedWithWorker === 0 && lastMb - firstMb <= STAYED_MB_MAX;
if (!isWhole) process.exitCode = 1;
