import { createHash } from 'node:crypto';
import { GUEST_LIMITS } from '#jdbx/sandbox/contract.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { Grammar, sourceOf } from './grammar.mjs';
import { Choices, partOf } from './random.mjs';
import { hostAnswer, hostData } from './values.mjs';

const TIMEOUT_MS = 60;
/** So wide that a guest which has to be ended from outside is seen. */
const GRACE_MS = 3_000;
const LANES = 2;
const NAMES = [
  'db.get',
  'db.put',
  'db.insert',
  'db.update',
  'db.remove',
  'db.getMany',
  'db.query',
  'llm.call',
  'checkpoint',
];
const PROBE = `const f = () => [Object.getOwnPropertyNames(globalThis).length, typeof left,
  Reflect.ownKeys(Object.prototype).length, Math.random(), [3, 1, 2].sort(), JSON.stringify({ a: [1] })]`;
const KNOWN =
  /^(GUEST_(ERROR|SYNTAX|TIMEOUT|MEMORY|STACK|OUTPUT|HOST_CALLS)|INVALID_DOCUMENT|PERMISSION_DENIED|DOCUMENT_TOO_LARGE)$/;

/** What must hold of every program; each gives what is wrong, or nothing. */
const INVARIANTS = [
  ({ code, message }) =>
    code !== undefined && !KNOWN.test(code) ? `ended with ${code}: ${message}` : undefined,
  ({ message }) =>
    /ended with its worker/.test(message ?? '') ? 'did not stop inside of its instance' : undefined,
  ({ text }) =>
    /node:|file:\/\/|wasm-function|node_modules/.test(text)
      ? 'saw something of the host'
      : undefined,
];

/** Runs programs until the time is over or one breaks an invariant. */
export async function fuzz({ seed, seconds, onProgress = () => {} }) {
  const until = performance.now() + seconds * 1_000;
  const state = {
    seed,
    programs: 0,
    codes: {},
    worstMs: 0,
    late: 0,
    rssMb: [],
    failure: undefined,
  };
  const sandbox = createSandbox({ workers: 2, graceMs: GRACE_MS, queueMax: 100 });
  const expected = { prototypes: hostPrototypes(), probe: await probe(sandbox) };
  let next = 0;
  async function lane() {
    while (performance.now() < until && !state.failure) {
      const index = next++;
      const trial = trialOf(seed, index);
      const fault = await tryOut(sandbox, trial, expected, state);
      if (fault) state.failure ??= { index, fault, trial };
      if (++state.programs % 250 === 0) {
        state.rssMb.push(Math.round(process.memoryUsage().rss / 2 ** 20));
        onProgress(state);
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
    if (state.failure) await minimize(sandbox, state.failure, expected);
  } finally {
    await sandbox.close();
  }
  state.failure ??= leakIn(state.rssMb);
  return state;
}

/** Everything about program number `index` of a seed. */
export function trialOf(seed, index) {
  const choices = new Choices(partOf(seed, index));
  const program = new Grammar(choices).program();
  const limits = {
    ...GUEST_LIMITS.defaults,
    timeoutMs: TIMEOUT_MS,
    memoryBytes: 32 * 2 ** 20,
    stackBytes: choices.from([64, 128, 256]) * 2 ** 10,
    outputBytes: choices.from([1_000, 100_000, 2 ** 20]),
    hostCalls: choices.from([0, 3, 50]),
  };
  return {
    program,
    limits,
    args: [hostData(choices), hostData(choices)],
    seed: partOf(seed, ~index),
  };
}

async function tryOut(sandbox, trial, expected, state) {
  const first = await runOnce(sandbox, trial);
  state.codes[first.code ?? 'value'] = (state.codes[first.code ?? 'value'] ?? 0) + 1;
  state.worstMs = Math.max(state.worstMs, first.ms);
  if (first.ms > TIMEOUT_MS + 100) state.late++;
  for (const invariant of INVARIANTS) {
    const fault = invariant(first);
    if (fault) return fault;
  }
  const second = await runOnce(sandbox, trial);
  const isTimed = [first, second].some(({ code }) => code === 'GUEST_TIMEOUT');
  if (!isTimed && first.text !== second.text)
    return `was replayed differently: ${first.text.slice(0, 300)} / ${second.text.slice(0, 300)}`;
  if (hostPrototypes() !== expected.prototypes) return 'changed the host’s prototypes';
  if ((await probe(sandbox)) !== expected.probe) return 'was seen by the next call';
  return undefined;
}

async function runOnce(sandbox, { program, limits, args, seed }) {
  const choices = new Choices(seed);
  const answer = () => hostAnswer(choices);
  const host = Object.fromEntries(NAMES.map((name) => [name, answer]));
  const call = {
    name: 'transformer:fuzz',
    code: sourceOf(program),
    args,
    host,
    limits,
    now: 1e12,
    seed: String(seed),
  };
  const begun = performance.now();
  const settled = await sandbox.call(call).then(
    ({ value, console, hostCalls, durationMs }) => ({ value, console, hostCalls, durationMs }),
    (error) => ({ error }),
  );
  const ms = settled.durationMs ?? performance.now() - begun;
  const { code, message, path, details } = settled.error ?? {};
  const seen =
    'error' in settled
      ? { code: code ?? 'host', message: message ?? String(settled.error), path, details }
      : { value: settled.value, console: settled.console, hostCalls: settled.hostCalls };
  // What a host function threw comes through as it is, whatever it is.
  const isHosts =
    'error' in settled && !(settled.error?.name === 'JdbxError' || /^[A-Z_]+$/.test(code ?? ''));
  return { ms, code: isHosts ? undefined : code, message: seen.message, text: printed(seen) };
}

function printed(value) {
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item));
}

async function probe(sandbox) {
  const limits = GUEST_LIMITS.defaults;
  const { value } = await sandbox.call({
    name: 'transformer:probe',
    code: PROBE,
    args: [],
    host: {},
    limits,
    now: 0,
    seed: 's',
  });
  return JSON.stringify(value);
}

function hostPrototypes() {
  const types = [Object, Array, Function, String, Number, Error, Promise, Map, Date, Uint8Array];
  const hash = createHash('sha256');
  for (const { prototype } of types) hash.update(Reflect.ownKeys(prototype).map(String).join());
  return hash.digest('hex');
}

/** Takes lines away from a program as long as what is left still fails. */
async function minimize(sandbox, failure, expected) {
  const quiet = { codes: {}, worstMs: 0, late: 0 };
  for (const part of ['head', 'body']) {
    for (let at = failure.trial.program[part].length - 1; at >= 0; at--) {
      const { program } = failure.trial;
      const fewer = program[part].toSpliced(at, 1);
      const trial = { ...failure.trial, program: { ...program, [part]: fewer } };
      const fault = await tryOut(sandbox, trial, expected, quiet);
      if (fault) Object.assign(failure, { trial, fault });
    }
  }
  failure.code = sourceOf(failure.trial.program);
}

const LEAK_MB_MAX = 96;
const SAMPLES = 20;

/** The least memory of the last programs against the least of the first: what comes and goes is none. */
function leakIn(rssMb) {
  if (rssMb.length < 3 * SAMPLES) return undefined;
  const first = Math.min(...rssMb.slice(SAMPLES, 2 * SAMPLES));
  const last = Math.min(...rssMb.slice(-SAMPLES));
  return last - first > LEAK_MB_MAX
    ? { fault: `the process grew from ${first} to ${last} MB` }
    : undefined;
}
