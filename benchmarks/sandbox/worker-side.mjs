import { CallBudget } from '#jdbx/sandbox/call-budget.js';
import { ConsoleLog } from '#jdbx/sandbox/console-log.js';
import { GUEST_LIMITS } from '#jdbx/sandbox/contract.js';
import { checkGuestCode } from '#jdbx/sandbox/entry.js';
import { encodeForGuest, NULL_ANSWER } from '#jdbx/sandbox/guest-values.js';
import { CONTROL, callOf, monotonicNow } from '#jdbx/sandbox/messages.js';
import { keyOf, Realms } from '#jdbx/sandbox/realms.js';
import { decodeValue } from '#jdbx/sandbox/values-crossing.js';
import { compileQuickJs } from '#jdbx/sandbox/wasm-module.js';

/**
 * What a worker does for a call, in this thread: from value to value, with all
 * checks, without the pool and its messages.
 */
export async function openWorkerSide() {
  const realms = await Realms.open(await compileQuickJs(), GUEST_LIMITS.defaults.memoryBytes);
  const control = new Int32Array(CONTROL.cells);
  const limits = { ...GUEST_LIMITS.defaults, hostCalls: Number.MAX_SAFE_INTEGER };

  async function run(message, value) {
    const order = [1, encodeForGuest([value]), 0, 'seed', message.reuse];
    const call = callOf(message, order, 1, monotonicNow() + 5_000);
    const budget = new CallBudget(call, control);
    const scope = {
      budget,
      log: new ConsoleLog(),
      clock: { readings: 0 },
      onPoll() {},
      callHost: () => NULL_ANSWER,
    };
    const realm = await realms.take(call, scope);
    const outcome = realm.run(call, scope);
    realms.giveBack(realm, call, 'well');
    if (outcome.kind !== 'value') throw new Error(JSON.stringify(outcome));
    return decodeValue(outcome.text);
  }

  function prepare(code, reuse, host) {
    const name = 'transformer:bench';
    const entry = checkGuestCode(code, { name });
    const program = { name, code, ...entry, host, limits };
    return { ...program, key: keyOf(program), reuse };
  }

  return {
    clean: (code, value) => {
      const message = prepare(code, false, ['db.get', 'db.query']);
      return () => run(message, value);
    },
    warm: (code, value) => {
      const message = prepare(code, true, ['db.get', 'db.query']);
      return () => run(message, value);
    },
    hostCalls: (code, count) => {
      const message = prepare(code, true, ['host']);
      return () => run(message, count);
    },
  };
}
