import { parentPort, workerData } from 'node:worker_threads';
import type { Value } from '../base/values.js';
import { claim } from './batch.js';
import { CallBudget } from './call-budget.js';
import { ConsoleLog } from './console-log.js';
import { GUEST_LIMITS } from './contract.js';
import { Gate } from './gate.js';
import { GuestClock } from './guest-clock.js';
import { HostCaller } from './host-channel.js';
import {
  type BatchMessage,
  type CallMessage,
  type CallOrder,
  CONTROL,
  callOf,
  type GuestOutcome,
  type KeyedProgram,
  monotonicNow,
  type WorkerMessage,
  type WorkerStart,
} from './messages.js';
import { NearSide } from './near-side.js';
import { Outbox } from './outbox.js';
import type { CallScope, Realm } from './realm.js';
import { keyOf, Realms } from './realms.js';
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
const near = start.near && new NearSide(start.near, new Gate(control, CONTROL.gate));
const { memoryBytes } = GUEST_LIMITS.defaults;
const realms = await Realms.open(start.wasm, memoryBytes, start.base);

/** What this worker has been sent, by number. */
const programs = new Map<number, KeyedProgram>();

async function runBatch(batch: BatchMessage): Promise<void> {
  const { firstId, calls } = batch;
  learn(batch);
  for (let index = 0; index < calls.length; index++) {
    const id = firstId + index;
    const begun = monotonicNow();
    // Before it is claimed, so that whoever sees the call begun sees when.
    Atomics.store(control, CONTROL.beganAt, begun - start.epoch);
    if (!claim(control, id)) {
      // The rest of the batch was recalled.
      finish();
      return;
    }
    const opening = runCall(id, calls[index] as CallOrder, begun, index === calls.length - 1);
    // Waiting for nothing would take as long as a part of a short call.
    if (opening) await opening;
  }
}

/** Nothing is held while nothing runs. */
function finish(): void {
  outbox.finish();
  near?.rest();
}

function learn({ forgets, programs: sent, shared }: BatchMessage): void {
  if (shared) near?.learn(shared.facts);
  if (forgets) programs.clear();
  for (const [number, program] of sent) programs.set(number, { ...program, key: keyOf(program) });
}

/** Ends at once, unless an instance has to be made for it. */
function runCall(
  id: number,
  order: CallOrder,
  begun: number,
  isLast: boolean,
): Promise<void> | undefined {
  const [number, , , , , own] = order;
  const program = programs.get(number);
  if (!program) throw new Error(`program ${number} was not sent`);
  const call = callOf(program, order, id, begun + program.limits.timeoutMs);
  const budget = new CallBudget(call, control);
  let hasReachedOut = false;
  const ask = (question: Value) => {
    hasReachedOut = true;
    return host.ask(id, question, budget);
  };
  const guest = own === undefined ? undefined : near?.begin(own, ask);
  const log = new ConsoleLog();
  const scope: CallScope = {
    budget,
    log,
    clock,
    onPoll: () => outbox.flush(),
    callHost: (name, text) => {
      outbox.flushOld();
      const answer = guest?.call(name, text, budget);
      if (answer !== undefined) return budget.takeHostCall() ? answer : undefined;
      outbox.flush();
      hasReachedOut = true;
      const far = host.call(call.id, name, text, budget);
      if (far?.news !== undefined) guest?.hear(far.news);
      return far?.text;
    },
  };
  function runWith(realm: Realm): undefined {
    clock.set(call.now);
    const run = () => runIn(realm, call, scope);
    const outcome = near ? near.aside(run) : run();
    const { hostCalls } = budget;
    const durationMs = monotonicNow() - begun;
    const report = { outcome, console: log.lines(), hostCalls, durationMs, near: guest?.counts };
    outbox.add(call.id, report, hasReachedOut);
    guest?.end();
    if (isLast) finish();
    // Cleaning up is in nobody's way: it is bounded, and runs none of the guest's code.
    realms.giveBack(realm, call, endOf(outcome, realm));
  }
  const realm = realms.take(call, scope);
  return realm instanceof Promise ? realm.then(runWith) : runWith(realm);
}

function endOf(outcome: GuestOutcome, { isLoaded }: Realm): 'well' | 'stopped' | 'crashed' {
  if (outcome.kind === 'stopped') return outcome.code === 'GUEST_CRASHED' ? 'crashed' : 'stopped';
  return isLoaded ? 'well' : 'stopped';
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
