import { createHash } from 'node:crypto';
import { CallBudget } from '#jdbx/sandbox/call-budget.js';
import { ConsoleLog } from '#jdbx/sandbox/console-log.js';
import { GUEST_LIMITS, type GuestLimits } from '#jdbx/sandbox/contract.js';
import { checkGuestCode } from '#jdbx/sandbox/entry.js';
import { encodeAnswer, encodeForGuest } from '#jdbx/sandbox/guest-values.js';
import {
  type CallMessage,
  CONTROL,
  type GuestOutcome,
  monotonicNow,
} from '#jdbx/sandbox/messages.js';
import type { Realm } from '#jdbx/sandbox/realm.js';
import { keyOf, Realms } from '#jdbx/sandbox/realms.js';
import { compileQuickJs } from '#jdbx/sandbox/wasm-module.js';

export interface Options {
  readonly args?: unknown[];
  readonly seed?: string;
  readonly now?: number;
  readonly host?: Record<string, () => string>;
  readonly limits?: Partial<GuestLimits>;
  /** Leaves out the hash before, which takes its time. */
  readonly hashesAfter?: true;
}

export interface Ran {
  /** Of the whole memory, as the call found it. */
  readonly hash: string;
  /** The same, as the call left it. */
  readonly hashAfter: string;
  readonly outcome: GuestOutcome;
  readonly realm: Realm;
  readonly wasPrepared: boolean;
  readonly lines: readonly string[];
}

/**
 * A worker's part in this thread, so that the guest's whole memory can be looked at between two
 * calls.
 */
export class InThread {
  readonly #base: Realms['base'];
  readonly #realms: Realms;
  readonly #control = new Int32Array(CONTROL.cells);

  private constructor(realms: Realms) {
    this.#base = realms.base;
    this.#realms = realms;
  }

  /** With `like`, it begins from the same realm, as the workers of a pool do. */
  static async open(like?: InThread): Promise<InThread> {
    const { memoryBytes } = GUEST_LIMITS.defaults;
    const base = like === undefined ? undefined : like.#base;
    return new InThread(await Realms.open(await compileQuickJs(), memoryBytes, base));
  }

  async run(code: string, options: Options = {}): Promise<Ran> {
    const call = callOf(code, options);
    const log = new ConsoleLog();
    const callHost = (name: string) => answerOf(options.host?.[name]?.());
    const budget = new CallBudget(call, this.#control);
    const scope = { budget, log, clock: { readings: 0 }, onPoll() {}, callHost };
    const realm = await this.#realms.take(call, scope);
    const wasPrepared = realm.isLoaded;
    const hash = options.hashesAfter ? '' : hashOf(realm);
    const outcome = atTime(call.now, () => realm.run(call, scope));
    const hashAfter = hashOf(realm);
    this.#realms.giveBack(realm, call, outcome.kind === 'stopped' ? 'stopped' : 'well');
    const lines = log.lines().map(({ text }) => text);
    return { hash, hashAfter, outcome, realm, wasPrepared, lines };
  }
}

/** The thread's clock, as `guest-clock.ts` has it in a worker, for as long as a guest runs. */
function atTime<T>(now: number, run: () => T): T {
  const { now: real } = Date;
  let time = now;
  Date.now = () => {
    time += 0.001;
    return time;
  };
  try {
    return run();
  } finally {
    Date.now = real;
  }
}

/** Tests give answers as JSON text, after a `+`. */
function answerOf(text: string | undefined): string | undefined {
  return text?.[0] === '+' ? encodeAnswer(JSON.parse(text.slice(1))) : text;
}

function callOf(code: string, { args = [], seed = 'seed', now = 0, host, limits }: Options) {
  const name = 'transformer:test';
  const program = {
    name,
    code,
    ...checkGuestCode(code, { name }),
    host: Object.keys(host ?? {}),
    limits: { ...GUEST_LIMITS.defaults, ...limits },
  };
  return {
    ...program,
    key: keyOf(program),
    id: 1,
    argumentsText: encodeForGuest(args),
    deadline: monotonicNow() + 20_000,
    now,
    seed,
    reuse: false,
  } satisfies CallMessage;
}

function hashOf({ instance }: Realm): string {
  return createHash('sha256').update(instance.bytes).digest('hex');
}
