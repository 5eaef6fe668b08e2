import { parentPort, workerData } from 'node:worker_threads';
import { CallBudget } from './call-budget.js';
import { ConsoleLog } from './console-log.js';
import { GUEST_LIMITS } from './contract.js';
import { GuestClock } from './guest-clock.js';
import { HostCaller } from './host-channel.js';
import {
  type CallMessage,
  type GuestOutcome,
  monotonicNow,
  type WorkerMessage,
  type WorkerStart,
} from './messages.js';
import type { Realm } from './realm.js';
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
const realms = await Realms.open(start.wasm, GUEST_LIMITS.defaults.memoryBytes);

async function runCall(call: CallMessage): Promise<void> {
  const begun = monotonicNow();
  const budget = new CallBudget(call, control);
  const log = new ConsoleLog();
  const scope = {
    budget,
    log,
    clock,
    callHost: (name: string, text: string) => host.call(call.id, name, text, budget),
  };
  const realm = await realms.take(call, scope);
  clock.set(call.now);
  const outcome = runIn(realm, call, scope);
  const { hostCalls } = budget;
  const durationMs = monotonicNow() - begun;
  const report = { outcome, console: log.lines(), hostCalls, durationMs };
  post({ kind: 'settled', id: call.id, report });
  // Cleaning up is in nobody's way: it is bounded, and runs none of the guest's code.
  realms.giveBack(realm, call, outcome.kind !== 'stopped' && realm.isLoaded);
}

function runIn(realm: Realm, call: CallMessage, scope: Parameters<Realm['run']>[1]): GuestOutcome {
  try {
    return realm.run(call, scope);
  } catch (trap) {
    const { verdict } = scope.budget;
    return verdict ? { kind: 'stopped', ...verdict } : outcomeOfTrap(trap, realm.instance);
  }
}

port.on('message', runCall);
post({ kind: 'ready' });
