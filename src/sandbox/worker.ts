import { parentPort, workerData } from 'node:worker_threads';
import { claim } from './batch.js';
import { CallBudget } from './call-budget.js';
import { ConsoleLog } from './console-log.js';
import { GUEST_LIMITS } from './contract.js';
import { GuestClock } from './guest-clock.js';
import { HostCaller } from './host-channel.js';
import {
  type BatchMessage,
  type CallMessage,
  type CallOrder,
  CONTROL,
  type GuestOutcome,
  monotonicNow,
  type WorkerMessage,
  type WorkerStart,
} from './messages.js';
import { Outbox } from './outbox.js';
import type { CallScope, Realm } from './realm.js';
import { Realms } from './realms.js';
import { outcomeOfTrap } from './traps.js';

/** The program of a guest worker: runs one call at a time, and cleans up after each. */
const port = parentPort;
if (!port) throw new Error('this file is the program of a worker thread');
const post = (message: WorkerMessage) => port.postMessage(message);

const start = workerData as WorkerStart;
const control = new Int32Array(start.control);
const clock = new GuestClock().install();
const host = new HostCaller(post, start.answers, control);
const outbox = new Outbox(post);
const { memoryBytes } = GUEST_LIMITS.defaults;
const realms = await Realms.open(start.wasm, memoryBytes, start.base);

async function runBatch({ calls }: BatchMessage): Promise<void> {
  for (const order of calls) {
    const begun = monotonicNow();
    // Before it is claimed, so that whoever sees the call begun sees when.
    Atomics.store(control, CONTROL.beganAt, begun - start.epoch);
    if (!claim(control, order.id)) {
      // The rest of the batch was recalled.
      outbox.finish();
      return;
    }
    await runCall(order, begun, order === calls.at(-1));
  }
}

async function runCall(order: CallOrder, begun: number, isLast: boolean): Promise<void> {
  const call: CallMessage = { ...order, deadline: begun + order.limits.timeoutMs };
  const budget = new CallBudget(call, control);
  const log = new ConsoleLog();
  const scope: CallScope = {
    budget,
    log,
    clock,
    onPoll: () => outbox.flush(),
    callHost: (name, text) => {
      outbox.flush();
      return host.call(call.id, name, text, budget);
    },
  };
  const realm = await realms.take(call, scope);
  clock.set(call.now);
  const outcome = runIn(realm, call, scope);
  const { hostCalls } = budget;
  const durationMs = monotonicNow() - begun;
  outbox.add(call.id, { outcome, console: log.lines(), hostCalls, durationMs });
  if (isLast) outbox.finish();
  // Cleaning up is in nobody's way: it is bounded, and runs none of the guest's code.
  realms.giveBack(realm, call, outcome.kind !== 'stopped' && realm.isLoaded);
}

function runIn(realm: Realm, call: CallMessage, scope: CallScope): GuestOutcome {
  try {
    return realm.run(call, scope);
  } catch (trap) {
    const { verdict } = scope.budget;
    return verdict ? { kind: 'stopped', ...verdict } : outcomeOfTrap(trap, realm.instance);
  }
}

port.on('message', runBatch);
post({ kind: 'ready', base: realms.base });
