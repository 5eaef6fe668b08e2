import { GUEST_LIMITS } from '#jdbx/sandbox/contract.js';
import { EVAL, GuestContext } from '#jdbx/sandbox/guest-context.js';
import { encodeForGuest } from '#jdbx/sandbox/guest-values.js';
import { HeapReader } from '#jdbx/sandbox/heap-reader.js';
import { Instance, NOBODY } from '#jdbx/sandbox/instance.js';
import { Realms } from '#jdbx/sandbox/realms.js';
import { decodeValue } from '#jdbx/sandbox/values-crossing.js';
import { compileQuickJs } from '#jdbx/sandbox/wasm-module.js';
import { median } from './compare.mjs';
import { openWorkerSide } from './worker-side.mjs';

const ROUNDS = 40;
const WARM_UP_ROUNDS = 40;
const CALLS = 100;
const READ_LIMITS = { depthMax: 100, nodesMax: 1e6, lengthMax: 2 ** 23, isSpent: () => false };

/** Where the time of a clean call goes, in microseconds of this process, by parts that are measured by turns. */
export async function budgetOf(code, value) {
  const side = await openWorkerSide();
  const clean = side.clean(code, value);
  const text = JSON.stringify(await clean());
  const bytes = encodeForGuest([value]);
  const { memoryBytes } = GUEST_LIMITS.defaults;
  const wasm = await compileQuickJs();
  const { base } = await Realms.open(wasm, memoryBytes);
  const instance = await Instance.create({ wasm, layout: base.layout }, memoryBytes);
  const { image, addresses } = base.realm;
  instance.restore(image);
  const guest = new GuestContext(instance, addresses.runtime, addresses.context);
  const reader = () => new HeapReader(instance.views, addresses.heap, READ_LIMITS);
  const entry = guest.evaluate(`(${code})`, 'bench', EVAL.script).value;
  const list = guest.value(bytes).value;
  const items = reader().itemsOf(list);
  const result = guest.call(entry, items).value;
  const parts = {
    'the whole': clean,
    'values written, host': () => encodeForGuest([value]),
    'values into the engine': () => guest.free(guest.value(bytes).value),
    'the function': () => guest.free(guest.call(entry, items).value),
    'result read out of the heap': () => reader().read(result),
    'result checked, host': () => decodeValue(text),
  };
  const writtenBack = await Instance.create({ wasm, layout: base.layout }, memoryBytes);
  parts['memory written back'] = () => {
    writtenBack.enter(NOBODY);
    writtenBack.restore(image);
  };
  const times = Object.fromEntries(Object.keys(parts).map((name) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(parts)) {
      const time = await timeOf(run);
      if (round >= 0) times[name].push(time);
    }
  }
  const medians = Object.entries(times).map(([name, all]) => [name, median(all)]);
  const [[, whole], ...measured] = medians;
  const rest = measured.reduce((left, [, time]) => left - time, whole);
  return Object.fromEntries([...medians, ['the rest', rest]]);
}

async function timeOf(run) {
  const begun = process.cpuUsage();
  for (let call = 0; call < CALLS; call++) await run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / CALLS;
}
